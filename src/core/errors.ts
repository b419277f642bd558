/**
 * The one error class and its closed list of codes. A code decides the exit status, whether a
 * retry can help, and what a person is told to do; the message says what happened and where.
 * Codes are metric labels: never put text of the moment into one.
 */

interface FailureRow {
  /** Process exit status of a command that ends with this code. */
  readonly exit: number;
  /** Whether the same attempt, made again later, may end well without anybody's help. */
  readonly retryable: boolean;
  /** What a person should do, as a sentence. */
  readonly hint: string;
}

export const failureTable = {
  usage: {
    exit: 2,
    retryable: false,
    hint: 'Run the command with --help to see what it takes.',
  },
  'config-invalid': {
    exit: 3,
    retryable: false,
    hint: 'Mend the named keys; "etcd-backupd config" prints the reference and an example.',
  },
  'cluster-unreachable': {
    exit: 10,
    retryable: true,
    hint: 'Check that etcd runs, that the endpoints are its client URLs, and the network between.',
  },
  'cluster-auth': {
    exit: 11,
    retryable: false,
    hint: 'Check cluster.auth.username and the content of cluster.auth.passwordFile.',
  },
  'cluster-permission': {
    exit: 12,
    retryable: false,
    hint: 'Give the user the role root ("etcdctl user grant-role USER root"): snapshots need it.',
  },
  'cluster-tls': {
    exit: 13,
    retryable: false,
    hint: 'Check cluster.tls: the CA, the client certificate and its key, their dates and names.',
  },
  'no-source': {
    exit: 14,
    retryable: true,
    hint: 'Run "etcd-backupd check" to see why each member was not chosen.',
  },
  'snapshot-refused': {
    exit: 15,
    retryable: true,
    hint: 'The member does not serve snapshots now; another member will be asked.',
  },
  'revision-unavailable': {
    exit: 16,
    retryable: true,
    hint: 'The member has compacted the revision away, or has not reached it yet.',
  },
  'stream-stalled': {
    exit: 20,
    retryable: true,
    hint: 'The member sent no byte for source.stallTimeout; look at its disk, load and network.',
  },
  'stream-broken': {
    exit: 21,
    retryable: true,
    hint: 'The snapshot did not arrive whole; it will be taken again from the start.',
  },
  'snapshot-corrupt': {
    exit: 22,
    retryable: true,
    hint: 'Do not restore this file. If a fresh snapshot of the same member fails too, replace it.',
  },
  'snapshot-stale': {
    exit: 23,
    retryable: true,
    hint: 'The member lags behind the cluster; another member will be asked.',
  },
  'hash-mismatch': {
    exit: 24,
    retryable: false,
    hint: 'Members hold different data; "etcdctl endpoint hashkv --cluster" shows the odd one.',
  },
  'spool-full': {
    exit: 30,
    retryable: true,
    hint: 'Free space in spool.dir or point it at a larger disk; it must hold one whole database.',
  },
  'spool-failed': {
    exit: 31,
    retryable: true,
    hint: 'Check that spool.dir exists, is writable by this user, and that its disk is healthy.',
  },
  'store-failed': {
    exit: 40,
    retryable: true,
    hint: 'Check the store named in the message; "etcd-backupd check" tries every store.',
  },
  'store-full': {
    exit: 41,
    retryable: true,
    hint: 'Free space in the store, or keep fewer backups ("etcd-backupd prune --dry-run").',
  },
  'store-denied': {
    exit: 42,
    retryable: false,
    hint: 'Give this user the right to list, read, write and remove in the store.',
  },
  'object-missing': {
    exit: 43,
    retryable: false,
    hint: 'The store does not hold the object; somebody else may have removed it.',
  },
  'object-damaged': {
    exit: 44,
    retryable: false,
    hint: 'The stored bytes are not what was written. Use another backup; look at the disk.',
  },
  'backup-missing': {
    exit: 50,
    retryable: false,
    hint: 'Run "etcd-backupd list" to see the backups that exist.',
  },
  'manifest-invalid': {
    exit: 51,
    retryable: false,
    hint: 'The manifest cannot be trusted; its data file can still be read with "inspect".',
  },
  'retention-unsafe': {
    exit: 52,
    retryable: false,
    hint: 'Nothing was removed. Release the hold, or name a backup that may be removed.',
  },
  'restore-refused': {
    exit: 53,
    retryable: false,
    hint: 'Nothing was changed. Read the reason; --force overrides only where the text says so.',
  },
  'restore-full': {
    exit: 54,
    retryable: true,
    hint: 'Free space beside the data directory: the old data stays there until you remove it.',
  },
  'restore-failed': {
    exit: 55,
    retryable: true,
    hint: 'The old data directory is where it was. Mend the cause and run the same command again.',
  },
  'put-back-conflict': {
    exit: 56,
    retryable: false,
    hint: 'Nothing of this key was written. Run the command again to see the difference anew.',
  },
  'quorum-at-risk': {
    exit: 57,
    retryable: false,
    hint: 'Nothing was changed. Bring the failed members back first, one at a time.',
  },
  'drill-failed': {
    exit: 58,
    retryable: false,
    hint: 'The backup did not come back as it was taken. Verify it, and drill an older one.',
  },
  'backup-locked': {
    exit: 59,
    retryable: false,
    hint: 'Name the identity file of one of its recipients: --identity FILE, or seal.identityFile.',
  },
  'http-listen': {
    exit: 61,
    retryable: false,
    hint: 'Choose another http.listen, or stop the program that uses it.',
  },
  'etcd-start': {
    exit: 62,
    retryable: false,
    hint: 'Look at the etcd log that the message names.',
  },
  'timed-out': {
    exit: 63,
    retryable: true,
    hint: 'The other side did not answer within its limit.',
  },
  stopped: {
    exit: 64,
    retryable: false,
    hint: 'The work was stopped by a signal; nothing half-done is listed.',
  },
  'daemon-unhealthy': { exit: 65, retryable: false, hint: 'Look at the log of the daemon here.' },
  internal: {
    exit: 70,
    retryable: false,
    hint: 'This is a fault of etcd-backupd. Please report it with the log around it.',
  },
} as const satisfies Record<string, FailureRow>;

export type FailureCode = keyof typeof failureTable;

export const failureCodes = Object.keys(failureTable) as readonly FailureCode[];

/** Facts for logs: ids, paths, sizes. Never a secret. */
export type FailureContext = Readonly<Record<string, string | number | bigint | boolean | null>>;

export interface FailureOptions {
  readonly cause?: unknown;
  readonly context?: FailureContext;
  /** Replaces the code's hint where the place of the failure knows better. */
  readonly hint?: string;
}

export class Failure extends Error {
  readonly code: FailureCode;
  readonly context: FailureContext;
  readonly hint: string;

  /** `message` is lower case, says what and where, and has no full stop and no secret. */
  constructor(code: FailureCode, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'Failure';
    this.code = code;
    this.context = options.context ?? {};
    this.hint = options.hint ?? failureTable[code].hint;
  }

  get exitCode(): number {
    return failureTable[this.code].exit;
  }

  get retryable(): boolean {
    return failureTable[this.code].retryable;
  }
}

/** Any thrown value as a Failure: a Failure as it is, everything else under `code`. */
export function toFailure(thrown: unknown, code: FailureCode = 'internal'): Failure {
  if (thrown instanceof Failure) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new Failure(code, message, { cause: thrown });
}

/** The operating system's error name (`ENOENT`, `ENOSPC`...), if the thrown value has one. */
export function systemCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
