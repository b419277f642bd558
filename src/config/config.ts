/**
 * The configuration as the program reads it: complete, checked, in base units (milliseconds,
 * bytes) and frozen. Made by `load.ts` only. It holds paths of secrets, and where a secret may
 * stand for itself, one that never prints.
 */
import type { NotifyConfig } from './notify-config.ts';

export interface Config {
  readonly cluster: ClusterConfig;
  readonly schedule: ScheduleConfig;
  readonly source: SourceConfig;
  /** At least one; names and places are unique. */
  readonly stores: readonly StoreConfig[];
  /** The rules that every store starts from. A store's own rules are in `stores`, merged. */
  readonly retention: RetentionConfig;
  readonly seal: SealConfig;
  readonly spool: SpoolConfig;
  readonly scrub: ScrubConfig;
  readonly restore: RestoreConfig;
  readonly drill: DrillConfig;
  readonly heal: HealConfig;
  readonly notify: NotifyConfig;
  readonly http: HttpConfig;
  readonly log: LogConfig;
}

export interface ClusterConfig {
  readonly name: string;
  /** `https://10.0.0.1:2379`: scheme, host and port; nothing behind. All of one scheme. */
  readonly endpoints: readonly string[];
  readonly tls: {
    readonly ca: string | null;
    readonly client: { readonly cert: string; readonly key: string } | null;
    readonly serverName: string | null;
  };
  readonly auth: { readonly username: string; readonly passwordFile: string } | null;
  /** Name or id of the member on this host. */
  readonly localMember: string | null;
  readonly requestTimeoutMs: number;
}

export interface ScheduleConfig {
  readonly cron: string;
  readonly timezone: string;
  readonly jitterMs: number;
  readonly graceMs: number;
  readonly catchUp: boolean;
  readonly skipUnchanged: boolean;
  readonly maxSkipMs: number;
  readonly onStart: boolean;
  readonly drainLimitMs: number;
  readonly retries: number;
  readonly retryDelayMs: number;
  readonly retryDelayMaxMs: number;
}

export interface SourceConfig {
  readonly allowLeader: (typeof leaderPolicies)[number];
  /** Raft entries. */
  readonly maxLag: number;
  readonly stallTimeoutMs: number;
  readonly requireAgreement: (typeof agreementPolicies)[number];
  readonly agreementMaxBytes: number;
  readonly onMismatch: (typeof mismatchPolicies)[number];
}

export type StoreConfig = FileStoreConfig | NfsStoreConfig | S3StoreConfig;

interface AnyStoreConfig {
  readonly name: string;
  /** Complete: the store's own rules over the global ones, rule by rule. */
  readonly retention: RetentionConfig;
  readonly limits: StoreLimits;
  /** Whether other daemons of the cluster write to it as well. */
  readonly shared: boolean;
}

export interface StoreLimits {
  /** Bytes per second; null: as fast as it goes. */
  readonly upload: number | null;
  readonly download: number | null;
  /** How long nothing may move in a call. */
  readonly stallMs: number;
}

export interface FileStoreConfig extends AnyStoreConfig {
  readonly type: 'file';
  readonly path: string;
  /** At or above `path`; must be a mount point whenever the store is used. */
  readonly mountPoint: string | null;
}

export interface NfsStoreConfig extends AnyStoreConfig {
  readonly type: 'nfs';
  readonly path: string;
  /** Null: `path` must lie on a mount of type NFS. */
  readonly mountPoint: string | null;
}

export interface S3StoreConfig extends AnyStoreConfig {
  readonly type: 's3';
  readonly bucket: string;
  /** Empty: the whole bucket. */
  readonly prefix: string;
  readonly region: string;
  /** Null: Amazon's, of the region. */
  readonly endpoint: string | null;
  readonly pathStyle: boolean;
  readonly ca: string | null;
  /** Paths for `readSecretFile`, which is called for each request; null: the standard chain. */
  readonly credentials: {
    readonly accessKeyIdFile: string;
    readonly secretAccessKeyFile: string;
    readonly sessionTokenFile: string | null;
  } | null;
  readonly partBytes: number;
  readonly concurrency: number;
  readonly stallTimeoutMs: number;
  readonly checksums: (typeof checksumPolicies)[number];
  readonly sse: (typeof encryptionKinds)[number];
  readonly kmsKeyId: string | null;
  /** Path for `readKeyBytes`; set where `sse` is `customer`. */
  readonly customerKeyFile: string | null;
  readonly storageClass: string | null;
  readonly objectLock: { readonly mode: (typeof lockModes)[number]; readonly days: number } | null;
}

/** 0 turns a rule off; `minimum` is never 0. */
export interface RetentionConfig {
  readonly keepLast: number;
  readonly keepWithinMs: number;
  readonly hourly: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
  readonly minimum: number;
  readonly orphanGraceMs: number;
}

export interface SealConfig {
  readonly compression: (typeof compressions)[number];
  /** Null: what the compression's own tool takes by itself. */
  readonly level: number | null;
  /** Public keys as text, checked; none: nothing is encrypted. */
  readonly recipients: readonly string[];
  /** Read at each use; backups are taken without it. */
  readonly identityFile: string | null;
  /** Read at each use; null: manifests are not signed. */
  readonly signingKeyFile: string | null;
  /** Absolute paths, and keys as text. */
  readonly trustedKeys: readonly string[];
}

export interface SpoolConfig {
  readonly dir: string;
  /** 0: no limit. */
  readonly maxBytes: number;
}

export interface ScrubConfig {
  /** Null: only by command. */
  readonly cron: string | null;
  readonly withinMs: number;
  readonly repair: boolean;
}

export interface RestoreConfig {
  /** Empty: anywhere by command, nowhere by the admin API. */
  readonly roots: readonly string[];
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly programLimitMs: number;
}

export interface DrillConfig {
  readonly cron: string | null;
  readonly etcdBinary: string;
  readonly startLimitMs: number;
}

export interface HealConfig {
  readonly enabled: boolean;
  readonly cron: string;
}

export interface HttpConfig {
  readonly enabled: boolean;
  /** `host` without brackets; port 0 takes any free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Paths for `readSecretFile`, which is called for every request; null: not set. */
  readonly tokens: { readonly [Scope in HttpScope]: string | null };
  /** Null: plain HTTP. Paths for `serverTlsReader`. */
  readonly tls: HttpTlsConfig | null;
  /** Names in client certificates; without `tls.clientCa` there are none. */
  readonly clients: { readonly [Scope in HttpScope]: readonly string[] };
}

export interface HttpTlsConfig {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | null;
}

export interface LogConfig {
  readonly level: LogLevel;
  readonly pretty: boolean;
}

export const leaderPolicies = ['never', 'alone', 'always'] as const;
export const agreementPolicies = ['auto', 'always', 'never'] as const;
export const mismatchPolicies = ['keep', 'discard'] as const;
export const compressions = ['none', 'gzip', 'zstd'] as const;
export const storeTypes = ['file', 'nfs', 's3'] as const;
export const checksumPolicies = ['auto', 'sha256', 'none'] as const;
export const encryptionKinds = ['none', 'AES256', 'aws:kms', 'customer'] as const;
export const lockModes = ['governance', 'compliance'] as const;
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof logLevels)[number];
export const httpScopes = ['read', 'operate', 'restore'] as const;
export type HttpScope = (typeof httpScopes)[number];
