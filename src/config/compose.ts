/** From settings, which mirror the file, to the Config that the program reads. */
import type { Config, RetentionConfig, S3StoreConfig, StoreConfig } from './config.ts';
import { composeNotify } from './notify.ts';
import { splitAddress } from './places.ts';
import type { Settings } from './schema.ts';

/** The settings have passed every check. The result is frozen all the way down. */
export function composeConfig(settings: Settings): Config {
  const { retention, spool, heal, log } = settings;
  return deepFreeze({
    cluster: composeCluster(settings.cluster),
    schedule: composeSchedule(settings.schedule),
    source: composeSource(settings.source),
    seal: composeSeal(settings.seal),
    stores: settings.stores.map((store) => composeStore(store, retention)),
    retention: composeRetention(retention),
    spool,
    scrub: composeScrub(settings.scrub),
    restore: composeRestore(settings.restore),
    drill: composeDrill(settings.drill),
    heal,
    notify: composeNotify(settings.notify),
    http: composeHttp(settings.http),
    log,
  });
}

function composeCluster(cluster: Settings['cluster']): Config['cluster'] {
  const { requestTimeout, tls, auth, ...same } = cluster;
  const { cert, key } = tls;
  const { username, passwordFile } = auth;
  return {
    ...same,
    tls: {
      ca: tls.ca,
      client: cert === null || key === null ? null : { cert, key },
      serverName: tls.serverName,
    },
    auth: username === null || passwordFile === null ? null : { username, passwordFile },
    requestTimeoutMs: requestTimeout,
  };
}

function composeSchedule(schedule: Settings['schedule']): Config['schedule'] {
  const { jitter, grace, maxSkip, drainLimit, retryDelay, retryDelayMax, ...same } = schedule;
  return {
    ...same,
    jitterMs: jitter,
    graceMs: grace,
    maxSkipMs: maxSkip,
    drainLimitMs: drainLimit,
    retryDelayMs: retryDelay,
    retryDelayMaxMs: retryDelayMax,
  };
}

function composeSource({ stallTimeout, ...same }: Settings['source']): Config['source'] {
  return { ...same, stallTimeoutMs: stallTimeout };
}

function composeScrub({ cron, within, repair }: Settings['scrub']): Config['scrub'] {
  return { cron: cron === 'never' ? null : cron, withinMs: within, repair };
}

function composeSeal(seal: Settings['seal']): Config['seal'] {
  return { ...seal, recipients: seal.recipients ?? [], trustedKeys: seal.trustedKeys ?? [] };
}

function composeRestore(restore: Settings['restore']): Config['restore'] {
  const { roots, before, after, programLimit } = restore;
  return {
    roots: roots ?? [],
    before: before ?? [],
    after: after ?? [],
    programLimitMs: programLimit,
  };
}

function composeDrill({ startLimit, ...same }: Settings['drill']): Config['drill'] {
  return { ...same, startLimitMs: startLimit };
}

function composeHttp({ enabled, listen, tls, tokens, clients }: Settings['http']): Config['http'] {
  const { cert, key, clientCa } = tls;
  const { read, operate, restore } = clients;
  return {
    enabled,
    listen: splitAddress(listen, 0),
    tls: cert === null || key === null ? null : { cert, key, clientCa },
    tokens,
    clients: { read: read ?? [], operate: operate ?? [], restore: restore ?? [] },
  };
}

function composeStore(
  store: Settings['stores'][number],
  global: Settings['retention'],
): StoreConfig {
  const { name, type, path, mountPoint, s3, bandwidth, stallTimeout } = store;
  const own = Object.entries(store.retention).filter(([, value]) => value !== null);
  const merged = { ...global, ...(Object.fromEntries(own) as Partial<Settings['retention']>) };
  const retention = composeRetention(merged);
  const shared = store.shared ?? type !== 'file';
  const same = { name, retention, limits: { ...bandwidth, stallMs: stallTimeout }, shared };
  // The rules have seen to it that each kind has what it needs.
  return type === 's3'
    ? { ...same, type, ...composeBucket(s3) }
    : { ...same, type, path: path ?? '', mountPoint };
}

function composeBucket(
  s3: Settings['stores'][number]['s3'],
): Omit<S3StoreConfig, 'name' | 'type' | 'retention' | 'limits' | 'shared'> {
  const { bucket, prefix, pathStyle, credentials, objectLock, partSize, stallTimeout } = s3;
  const { accessKeyIdFile, secretAccessKeyFile, sessionTokenFile } = credentials;
  const { region, endpoint, ca, concurrency, checksums, sse, storageClass } = s3;
  return {
    bucket: bucket ?? '',
    prefix: prefix ?? '',
    region,
    endpoint,
    pathStyle: pathStyle ?? endpoint !== null,
    ca,
    credentials:
      accessKeyIdFile === null || secretAccessKeyFile === null
        ? null
        : { accessKeyIdFile, secretAccessKeyFile, sessionTokenFile },
    partBytes: partSize,
    concurrency,
    stallTimeoutMs: stallTimeout,
    checksums,
    sse,
    kmsKeyId: s3.kmsKeyId,
    customerKeyFile: s3.customerKeyFile,
    storageClass,
    objectLock:
      objectLock.mode === null || objectLock.days === null
        ? null
        : { mode: objectLock.mode, days: objectLock.days },
  };
}

function composeRetention(retention: Settings['retention']): RetentionConfig {
  const { keepWithin, orphanGrace, ...same } = retention;
  return { ...same, keepWithinMs: keepWithin, orphanGraceMs: orphanGrace };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
