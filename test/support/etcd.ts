import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type EtcdCluster,
  type EtcdClusterOptions,
  type ServerTls,
  startEtcdCluster,
} from '../../src/cluster/servers.ts';
import { type EtcdBinaries, findEtcd, fits, installedEtcd } from '../setup/binaries.ts';

export interface TestClusterOptions extends Omit<EtcdClusterOptions, 'binary' | 'dataDir' | 'tls'> {
  readonly tls?: ServerTls;
  /** What `etcdctl` and our clients show where `tls.clientCertAuth` is on. */
  readonly clientPair?: { readonly cert: string; readonly key: string };
}

/** A cluster in a folder of its own; disposing stops it and removes the folder. */
export interface TestCluster extends EtcdCluster {
  readonly binaries: EtcdBinaries;
  readonly tls: ServerTls | undefined;
  readonly clientPair: TestClusterOptions['clientPair'];
  /** NAME:PASSWORD, once `enableAuth` has been called. */
  user: string | undefined;
}

/**
 * Every etcd version that is here, newest first. MUST_RUN_ETCD=3.4,3.5 makes a missing one an
 * error: a machine that promises versions must not pass by leaving them out.
 */
export function etcdVersions(env: NodeJS.ProcessEnv = process.env): EtcdBinaries[] {
  const installed = installedEtcd(env);
  const promised = (env.MUST_RUN_ETCD ?? '').split(/[\s,]+/).filter((one) => one !== '');
  for (const one of promised.length === 0 ? ['3'] : promised) needEtcd(one, installed);
  return installed;
}

/** Those of the wanted minors that are here; a promised one that is not is an error. */
export function minorsHere(wanted: readonly string[]): string[] {
  const installed = etcdVersions();
  return wanted.filter((one) => findEtcd(one, installed) !== undefined);
}

/** The newest version that fits, such as `3.5`; throws with what to do if there is none. */
export function needEtcd(wanted: string, among = installedEtcd()): EtcdBinaries {
  const found = findEtcd(wanted, among);
  if (found !== undefined) return found;
  throw new Error(`etcd ${wanted} is not here; try: node test/setup/etcd.ts --want ${wanted}`);
}

/** Starts a cluster (one member by default) that is fast and has room for a large database. */
export async function cluster(
  version: string,
  { members = 1, extraArgs = [], ...options }: TestClusterOptions = {},
): Promise<TestCluster> {
  const binaries = needEtcd(version);
  const dataDir = await mkdtemp(join(tmpdir(), 'etcd-backupd-cluster-'));
  const remove = () => rm(dataDir, { recursive: true, force: true, maxRetries: 3 });
  const args = [
    `--quota-backend-bytes=${8 * 1024 ** 3}`,
    // Nothing of a test cluster outlives the test, so nothing needs to survive a power cut.
    ...(fits(binaries.version, '3.4') ? [] : ['--unsafe-no-fsync']),
    ...extraArgs,
  ];
  try {
    const start = { ...options, binary: binaries.etcd, dataDir, members, extraArgs: args };
    return testCluster(await startEtcdCluster(start), { binaries, options, remove });
  } catch (thrown) {
    await remove();
    throw thrown;
  }
}

function testCluster(
  started: EtcdCluster,
  own: {
    readonly binaries: EtcdBinaries;
    readonly options: TestClusterOptions;
    readonly remove: () => Promise<void>;
  },
): TestCluster {
  return {
    binaries: own.binaries,
    tls: own.options.tls,
    clientPair: own.options.clientPair,
    user: undefined,
    dataDir: started.dataDir,
    get members() {
      return started.members;
    },
    get clientUrls() {
      return started.clientUrls;
    },
    addMember: (name, options) => started.addMember(name, options),
    stop: () => started.stop(),
    async [Symbol.asyncDispose]() {
      await started.stop();
      await own.remove();
    },
  };
}

export interface EtcdctlOptions {
  /** NAME:PASSWORD; the cluster's `user` if left out. */
  readonly user?: string;
  /** The members to ask; all of them if left out. */
  readonly endpoints?: readonly string[];
}

/** Runs the cluster's own etcdctl; resolves to its stdout. */
export async function etcdctl(
  to: TestCluster,
  args: readonly string[],
  { user = to.user, endpoints = to.clientUrls }: EtcdctlOptions = {},
): Promise<string> {
  const { tls, clientPair } = to;
  const flags = [
    `--endpoints=${endpoints.join(',')}`,
    ...(tls === undefined ? [] : [`--cacert=${tls.ca}`]),
    ...(clientPair === undefined ? [] : [`--cert=${clientPair.cert}`, `--key=${clientPair.key}`]),
    ...(user === undefined ? [] : [`--user=${user}`]),
  ];
  return runQuietly(to.binaries.etcdctl, [...flags, ...args]);
}

/** Runs etcdutl of a version; for 3.4, which has none, etcdctl takes the same verbs. */
export function etcdutl(binaries: EtcdBinaries, args: readonly string[]): Promise<string> {
  return runQuietly(binaries.etcdutl ?? binaries.etcdctl, args);
}

/** Turns authentication on with one user, root; what is run on the cluster from then on uses it. */
export async function enableAuth(to: TestCluster, password: string): Promise<string> {
  const user = `root:${password}`;
  await etcdctl(to, ['user', 'add', user]);
  await etcdctl(to, ['user', 'grant-role', 'root', 'root']);
  await etcdctl(to, ['auth', 'enable']);
  to.user = user;
  return user;
}

async function runQuietly(program: string, args: readonly string[]): Promise<string> {
  const options = { env: {}, timeout: 120_000, maxBuffer: 256 * 1024 ** 2 };
  return (await promisify(execFile)(program, args, options)).stdout;
}
