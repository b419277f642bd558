/** The closed list of codes, each with its exit status and what a person is told to do. */

interface FailureRow {
  /** Process exit status of a command that ends with this code. */
  readonly exit: number;
  /** Whether the same attempt, made later, may end well without help. */
  readonly retryable: boolean;
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
  'damage-repaired': {
    exit: 45,
    retryable: false,
    hint: 'Every copy is whole again. Look at the disk that the damaged one is on.',
  },
  'object-exists': {
    exit: 46,
    retryable: false,
    hint: 'Somebody else has put an object of this name; two daemons may share one store.',
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
  'backup-untrusted': {
    exit: 60,
    retryable: false,
    hint: 'Use another backup. Who knows why takes it all the same, with --accept-unsigned.',
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
  'daemon-unhealthy': {
    exit: 65,
    retryable: false,
    hint: 'Look at the log of the daemon on this host.',
  },
  'notify-failed': {
    exit: 68,
    retryable: true,
    hint: 'Check the URL and what it needs under notify; "etcd-backupd check" tries to reach each.',
  },
  internal: {
    exit: 70,
    retryable: false,
    hint: 'This is a fault of etcd-backupd. Please report it with the log around it.',
  },
} as const satisfies Record<string, FailureRow>;

export type FailureCode = keyof typeof failureTable;
