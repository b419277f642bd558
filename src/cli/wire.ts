/** The only place that builds adapters: from a configuration to everything the engine is given. */
import { randomInt } from 'node:crypto';
import { hostname } from 'node:os';
import { openCatalog } from '../catalog/catalog.ts';
import { connectCluster } from '../cluster/connect.ts';
import { connectKeys } from '../cluster/keys.ts';
import { connectMembership } from '../cluster/membership.ts';
import { etcdProgram } from '../cluster/scratch.ts';
import type { Config, S3StoreConfig, StoreConfig } from '../config/config.ts';
import { readKeyBytes, readKeyFile, readSecretFile } from '../config/secret-file.ts';
import type { Observe } from '../core/events.ts';
import { programVersion } from '../core/version.ts';
import type { DrillDeps, EngineDeps, RestoreDeps, Shelf } from '../engine/deps.ts';
import type { PutBackDeps } from '../engine/put-back.ts';
import type { ReplaceDeps } from '../engine/replace-member.ts';
import { startProver } from '../spool/prover.ts';
import { openSpool } from '../spool/spool.ts';
import { fileStore } from '../store/file.ts';
import { limitRate } from '../store/limit-rate.ts';
import { limitStall } from '../store/limit-stall.ts';
import { nfsStore } from '../store/nfs/store.ts';
import type { Store } from '../store/port.ts';
import { bucketStore } from '../store/s3/late.ts';
import type { S3Keys, S3StoreOptions } from '../store/s3/options.ts';
import { parseIdentities, parseRecipient } from '../stream/age-keys.ts';
import { tellCertificate } from './told-certificate.ts';
import { trustOf } from './trust.ts';

/** Everything that was opened; disposing closes it in reverse. */
export interface House extends AsyncDisposable {
  readonly deps: HouseDeps;
}

export type HouseDeps = EngineDeps & RestoreDeps & DrillDeps & ReplaceDeps & PutBackDeps;

export function buildHouse(
  config: Config,
  observe: Observe,
  { acceptsUnsigned = false }: { readonly acceptsUnsigned?: boolean } = {},
): House {
  const opened = new AsyncDisposableStack();
  const connected = opened.use(connectCluster(clusterSettings(config)));
  const { client } = config.cluster.tls;
  const cluster = client === null ? connected : tellCertificate(connected, client.cert, observe);
  const shelves = config.stores.map((store): Shelf => {
    const distance = nearestFirst.indexOf(store.type);
    const { retention, shared } = store;
    return { store: opened.use(buildStore(store)), retention, distance, shared };
  });
  const { source, cluster: named } = config;
  const deps: HouseDeps = {
    clusterName: named.name,
    cluster,
    source: {
      choose: {
        allowLeader: source.allowLeader,
        maxLag: source.maxLag,
        localMember: named.localMember,
      },
      stallTimeoutMs: source.stallTimeoutMs,
      agreement: source.requireAgreement,
      agreementMaxBytes: source.agreementMaxBytes,
      onMismatch: source.onMismatch,
    },
    ...sealing(config),
    trust: trustOf(config.seal, { acceptsUnsigned }),
    spool: openSpool(config.spool),
    prove: startProver,
    shelves,
    openCatalog,
    timezone: config.schedule.timezone,
    orphanGraceMs: config.retention.orphanGraceMs,
    observe,
    now: () => new Date(),
    suffix: randomSuffix,
    program: { version: programVersion, node: process.versions.node },
    host: hostname(),
    restore: restoreRules(config),
    drill: {
      etcd: etcdProgram(config.drill.etcdBinary),
      startLimitMs: config.drill.startLimitMs,
    },
    membership: connectMembership(clusterSettings(config)),
    keys: connectKeys(clusterSettings(config)),
  };
  return { deps, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function clusterSettings(config: Config): Parameters<typeof connectCluster>[0] {
  const { endpoints, tls, auth, requestTimeoutMs } = config.cluster;
  const login = auth && {
    username: auth.username,
    readPassword: () => readSecretFile(auth.passwordFile).reveal(),
  };
  return { endpoints, tls, auth: login, requestTimeoutMs };
}

function sealing({ seal }: Config): Pick<EngineDeps, 'seal' | 'identities'> {
  const { compression, level, recipients, identityFile } = seal;
  const identities = (): ReturnType<EngineDeps['identities']> => {
    return identityFile === null ? [] : parseIdentities(readKeyFile(identityFile), identityFile);
  };
  const rules = { codec: compression, level, recipients: recipients.map(parseRecipient) };
  return { seal: rules, identities };
}

function restoreRules({ restore }: Config): RestoreDeps['restore'] {
  const { programLimitMs, ...same } = restore;
  return { ...same, hookLimitMs: programLimitMs };
}

/** Disk, network, somebody else's network. */
const nearestFirst: readonly string[] = ['file', 'nfs', 's3'];

function buildStore(store: StoreConfig): Store {
  const { limits } = store;
  // It has the same limit inside, where it can end what hangs.
  if (store.type === 'nfs') return limitRate(openStore(store), limits);
  // A store in a bucket collects parts; nobody sees them move until they have arrived.
  const heldBytes = store.type === 's3' ? store.partBytes * store.concurrency : 0;
  // The pace outside: what waits for it is no silence of the store.
  return limitRate(limitStall(openStore(store), { stallMs: limits.stallMs, heldBytes }), limits);
}

function openStore(store: StoreConfig): Store {
  if (store.type === 's3') return bucketStore(bucketSettings(store));
  const place = { name: store.name, root: store.path, mountPoint: store.mountPoint ?? undefined };
  return store.type === 'file'
    ? fileStore(place)
    : nfsStore({ ...place, stallMs: store.limits.stallMs });
}

function bucketSettings({
  credentials,
  sse,
  kmsKeyId,
  customerKeyFile,
  objectLock,
  limits: _,
  shared: _shared,
  ...same
}: S3StoreConfig): S3StoreOptions {
  const locks = { governance: 'GOVERNANCE', compliance: 'COMPLIANCE' } as const;
  return {
    ...same,
    readKeys: credentials && (() => readKeys(credentials)),
    encryption: bucketEncryption(sse, kmsKeyId, customerKeyFile),
    lock: objectLock && { mode: locks[objectLock.mode], days: objectLock.days },
  };
}

function bucketEncryption(
  kind: S3StoreConfig['sse'],
  keyId: string | null,
  keyFile: string | null,
): S3StoreOptions['encryption'] {
  if (kind === 'customer') return { kind, readKey: () => readKeyBytes(keyFile ?? '') };
  return kind === 'aws:kms' ? { kind, keyId } : { kind };
}

function readKeys(files: NonNullable<S3StoreConfig['credentials']>): S3Keys {
  const { accessKeyIdFile, secretAccessKeyFile, sessionTokenFile } = files;
  return {
    accessKeyId: readSecretFile(accessKeyIdFile),
    secretAccessKey: readSecretFile(secretAccessKeyFile),
    sessionToken: sessionTokenFile === null ? null : readSecretFile(sessionTokenFile),
  };
}

const suffixAlphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

function randomSuffix(): string {
  return Array.from({ length: 4 }, () => suffixAlphabet[randomInt(suffixAlphabet.length)]).join('');
}
