/** One event of every kind, and a clock that only moves when told. */
import { clusterId, revision } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import type { Event, EventKind, NewestBackup } from '../../../src/core/events.ts';
import { parseBackupId } from '../../../src/core/names.ts';

export interface Clock {
  readonly now: () => Date;
  /** Moves to this time of the day of all tests. */
  at(time: string): void;
}

export function clockAt(time: string): Clock {
  let current = dayTime(time);
  return {
    now: () => current,
    at: (later) => {
      current = dayTime(later);
    },
  };
}

export function dayTime(time: string): Date {
  return new Date(`2026-11-20T${time}Z`);
}

export const id = parseBackupId('20261120T154500Z-r00000000000055919');
export const olderId = parseBackupId('20261119T154500Z-r00000000000041002');

export const backup: NewestBackup = {
  id,
  startedAt: dayTime('15:45:00.250'),
  revision: revision('55919'),
  rawBytes: 1_288_490_189,
  sealedBytes: 301_989_888,
  proofs: {
    received: dayTime('15:45:20'),
    sound: dayTime('15:45:25'),
    agreed: dayTime('15:45:30'),
    stored: dayTime('15:45:50'),
  },
};

export const stalled = new Failure('stream-stalled', 'member m2 sent no byte for 60s', {
  context: { member: '000000000000002a', receivedBytes: 4096n },
});
export const denied = new Failure('store-denied', 'store offsite refused the manifest');

const misconfigured = new Failure(
  'config-invalid',
  '2 problems in the configuration\n\n  schedule.cron = "x"\n    is none\n\n' +
    '  stores\n    is missing',
);

const wrongBytes = new Failure('object-damaged', 'local: a.db has 12 bytes, not 11');

const samples: { readonly [K in EventKind]: Extract<Event, { kind: K }> } = {
  'daemon-started': {
    kind: 'daemon-started',
    version: '0.1.0',
    node: 'v24.0.0',
    cluster: 'prod',
    stores: ['local', 'offsite'],
  },
  'daemon-draining': { kind: 'daemon-draining', signal: 'SIGTERM' },
  'daemon-stopped': { kind: 'daemon-stopped', uptimeMs: 93_784_000 },
  'config-waiting': { kind: 'config-waiting', by: 'admin API' },
  'config-reloaded': {
    kind: 'config-reloaded',
    by: 'SIGHUP',
    changed: ['schedule.cron', 'log.level'],
    cluster: 'prod',
    stores: ['local', 'offsite'],
    moved: [],
    targets: ['ping'],
    scrubWithinMs: 0,
  },
  'config-refused': { kind: 'config-refused', by: 'SIGHUP', failure: misconfigured },
  'reading-gave-way': {
    kind: 'reading-gave-way',
    detail: 'a backup was due; the reading is done again after it',
  },
  'next-run-scheduled': {
    kind: 'next-run-scheduled',
    at: dayTime('16:45:00'),
    reason: 'schedule 45 * * * *',
    expectedSince: dayTime('14:45:00'),
  },
  'turn-drawn': {
    kind: 'turn-drawn',
    slot: dayTime('15:45:00'),
    rank: 1,
    of: 3,
    waitMs: 120_000,
  },
  'slot-answered': {
    kind: 'slot-answered',
    slot: dayTime('15:45:00'),
    store: 'offsite',
    id: backup.id,
    host: 'etcd-2',
  },
  'next-chore-scheduled': {
    kind: 'next-chore-scheduled',
    chore: 'drill',
    at: dayTime('18:00:00'),
    expectedSince: dayTime('06:00:00'),
  },
  'slot-missed': { kind: 'slot-missed', slot: dayTime('14:45:00'), reason: 'a run was going on' },
  'retry-scheduled': {
    kind: 'retry-scheduled',
    at: dayTime('15:46:30'),
    attempt: 2,
    attempts: 5,
    failure: stalled,
  },
  'preparation-failed': { kind: 'preparation-failed', failure: denied },
  'retries-ended': {
    kind: 'retries-ended',
    slot: dayTime('15:45:00'),
    attempts: 5,
    failure: stalled,
    reason: 'no try is left',
  },
  'run-started': {
    kind: 'run-started',
    trigger: 'schedule',
    slot: dayTime('15:45:00'),
    attempt: 1,
  },
  'run-skipped': {
    kind: 'run-skipped',
    reason: 'unchanged',
    newest: olderId,
    revision: revision('41002'),
  },
  'run-finished': { kind: 'run-finished', result: 'success', id, tookMs: 53_100 },
  'run-failed': { kind: 'run-failed', failure: stalled, tookMs: 61_000 },
  'step-finished': { kind: 'step-finished', step: 'drain', tookMs: 19_400 },
  'step-advanced': {
    kind: 'step-advanced',
    step: 'drain',
    doneBytes: 644_245_094,
    totalBytes: 1_288_490_189,
  },
  'member-chosen': {
    kind: 'member-chosen',
    cluster: clusterId('cdf818194e3a8c32'),
    member: '000000000000002a',
    name: 'm2',
    endpoint: 'https://m2.example:2379',
    role: 'follower',
    reason: 'healthy follower, 3 entries behind',
  },
  'alarms-read': {
    kind: 'alarms-read',
    alarms: [{ member: '000000000000002a', kind: 'NOSPACE' }],
  },
  'source-failed': {
    kind: 'source-failed',
    member: '000000000000002a',
    name: 'm2',
    failure: stalled,
  },
  'snapshot-drained': {
    kind: 'snapshot-drained',
    member: '000000000000002a',
    sizeBytes: 1_288_490_189,
    tookMs: 19_400,
  },
  'proof-finished': {
    kind: 'proof-finished',
    proof: 'agreed',
    store: null,
    outcome: 'passed',
    evidence: { hash: 3_405_691_582, members: 2 },
  },
  'hash-mismatched': {
    kind: 'hash-mismatched',
    revision: revision('55919'),
    members: ['m1', 'm3'],
    evidence: 'm1 says 11, the snapshot says 12',
  },
  'backup-committed': {
    kind: 'backup-committed',
    store: 'local',
    backup,
    proved: true,
    tookMs: 12_000,
  },
  'backup-not-stored': { kind: 'backup-not-stored', store: 'offsite', id, failure: denied },
  'catalog-read': {
    kind: 'catalog-read',
    store: 'local',
    backups: 7,
    storedBytes: 2_113_929_216,
    faults: 0,
    damaged: 1,
    oldestRead: dayTime('02:17:00'),
    newest: backup,
    proofs: { ...backup.proofs, restored: dayTime('03:00:00') },
  },
  'catalog-unreadable': { kind: 'catalog-unreadable', store: 'offsite', failure: denied },
  'manifest-rejected': {
    kind: 'manifest-rejected',
    store: 'local',
    object: 'cdf818194e3a8c32/20261118T154500Z-r00000000000030000.json',
    failure: new Failure('manifest-invalid', 'raw.sha256 is missing'),
  },
  'backup-pruned': {
    kind: 'backup-pruned',
    store: 'local',
    id: olderId,
    reason: 'no rule keeps it',
  },
  'prune-finished': { kind: 'prune-finished', store: 'local', kept: 6, removed: 1, tookMs: 40 },
  'prune-failed': { kind: 'prune-failed', store: 'offsite', failure: denied },
  'orphans-swept': { kind: 'orphans-swept', store: 'local', objects: ['cdf818194e3a8c32/a.db'] },
  'spool-swept': { kind: 'spool-swept', files: ['a.part', 'b.part'] },
  'backup-verified': {
    kind: 'backup-verified',
    store: 'local',
    id,
    outcome: 'passed',
    tookMs: 900,
  },
  'copy-advanced': {
    kind: 'copy-advanced',
    store: 'offsite',
    id,
    doneBytes: 67_108_864,
    totalBytes: 301_989_888,
  },
  'backup-copied': {
    kind: 'backup-copied',
    store: 'offsite',
    from: 'local',
    id,
    result: 'copied',
    sizeBytes: 301_989_888,
    tookMs: 9400,
  },
  'copy-failed': { kind: 'copy-failed', store: 'offsite', from: 'local', id, failure: denied },
  'heal-started': { kind: 'heal-started', missing: { local: 0, offsite: 3 } },
  'heal-finished': { kind: 'heal-finished', copied: 2, missing: { local: 0, offsite: 1 } },
  'heal-failed': { kind: 'heal-failed', failure: denied },
  'heal-skipped': {
    kind: 'heal-skipped',
    reason: 'backup-due',
    detail: 'a backup was due; the heal is done again after it',
  },
  'backup-misread': { kind: 'backup-misread', store: 'local', id, failure: wrongBytes },
  'backup-removed': { kind: 'backup-removed', store: 'local', id: olderId },
  'verify-advanced': {
    kind: 'verify-advanced',
    store: 'local',
    id,
    doneBytes: 67_108_864,
    totalBytes: 301_989_888,
  },
  'verify-gave-way': {
    kind: 'verify-gave-way',
    detail: 'a backup was due; the verify is done again after it',
  },
  'verify-failed': { kind: 'verify-failed', failure: denied },
  'scrub-started': {
    kind: 'scrub-started',
    stores: ['local', 'offsite'],
    copies: 4,
    totalBytes: 1_288_490_189,
  },
  'scrub-advanced': {
    kind: 'scrub-advanced',
    doneBytes: 644_245_094,
    totalBytes: 1_288_490_189,
  },
  'backup-damaged': { kind: 'backup-damaged', store: 'local', id: olderId, failure: wrongBytes },
  'backup-unread': {
    kind: 'backup-unread',
    store: 'local',
    id: olderId,
    failure: new Failure('store-failed', 'cannot read a.db: the disk reports an error'),
  },
  'repair-failed': {
    kind: 'repair-failed',
    store: 'local',
    id: olderId,
    failure: new Failure('object-damaged', 'backup is damaged and could not be repaired'),
  },
  'scrub-finished': {
    kind: 'scrub-finished',
    result: 'damaged',
    read: 4,
    damaged: 1,
    repaired: 2,
    unread: 1,
    tookMs: 61_000,
  },
  'scrub-gave-way': { kind: 'scrub-gave-way', detail: 'a backup was due' },
  'scrub-failed': { kind: 'scrub-failed', failure: new Failure('spool-failed', 'no such folder') },
  'hold-changed': {
    kind: 'hold-changed',
    store: 'local',
    id,
    held: true,
    reason: 'before upgrade',
  },
  'restore-started': { kind: 'restore-started', dataDir: '/var/lib/etcd', dryRun: false },
  'restore-step-finished': { kind: 'restore-step-finished', step: 'fetch', tookMs: 5200 },
  'restore-advanced': {
    kind: 'restore-advanced',
    doneBytes: 104_857_600,
    totalBytes: 1_288_490_189,
  },
  'restore-passed-over': {
    kind: 'restore-passed-over',
    backup: id,
    store: 'local',
    failure: new Failure('object-damaged', 'the data object has 12 bytes less than it should'),
  },
  'restore-finished': {
    kind: 'restore-finished',
    backup: olderId,
    dataDir: '/var/lib/etcd',
    aside: '/var/lib/etcd.before-restore-20261120T160000Z',
    dryRun: false,
  },
  'restore-failed': {
    kind: 'restore-failed',
    dataDir: '/var/lib/etcd',
    failure: new Failure('restore-full', 'the restore needs 1.4 GiB, /var/lib has 1 GiB free'),
  },
  'drill-started': { kind: 'drill-started', backup: id, store: 'local' },
  'drill-finished': { kind: 'drill-finished', backup: id, store: 'local', tookMs: 21_000 },
  'drill-failed': {
    kind: 'drill-failed',
    backup: id,
    store: 'local',
    failure: new Failure('drill-failed', 'HashKV is 12 where the manifest says 13'),
  },
  'drill-skipped': {
    kind: 'drill-skipped',
    reason: 'no-etcd',
    detail: 'there is no etcd program /usr/local/bin/etcd',
  },
  'member-removed': {
    kind: 'member-removed',
    cluster: clusterId('cdf818194e3a8c32'),
    member: '000000000000002a',
    name: 'm2',
  },
  'member-added': {
    kind: 'member-added',
    cluster: clusterId('cdf818194e3a8c32'),
    member: '000000000000002b',
    name: 'm2',
    peerUrls: ['https://m2.example:2380'],
    learner: false,
  },
  'keys-put-back': {
    kind: 'keys-put-back',
    backup: id,
    cluster: clusterId('cdf818194e3a8c32'),
    prefix: '/registry/pods/shop/',
    deleteExtra: false,
    written: 12,
    planned: 12,
    leasesLost: 1,
    failed: null,
  },
  'notice-delivered': {
    kind: 'notice-delivered',
    target: 'chat',
    notice: 'backup-failed',
    attempts: 1,
  },
  'notice-failed': {
    kind: 'notice-failed',
    target: 'ping',
    notice: 'backup-succeeded',
    attempts: 5,
    failure: new Failure('notify-failed', 'https://ping.example.org answered 503'),
  },
  'http-listening': { kind: 'http-listening', address: 'http://127.0.0.1:9379' },
  'certificate-read': {
    kind: 'certificate-read',
    of: 'api',
    subject: 'CN=backup.example',
    validFrom: new Date('2026-02-20T00:00:00Z'),
    expiresAt: new Date('2027-02-20T00:00:00Z'),
  },
  'http-certificate-kept': {
    kind: 'http-certificate-kept',
    failure: new Failure('config-invalid', '/etc/tls/server.key is not the key of the certificate'),
  },
  'call-failed': {
    kind: 'call-failed',
    method: 'GET',
    path: '/v1/backups',
    failure: new Failure('store-failed', 'store offsite did not answer'),
  },
  'call-made': {
    kind: 'call-made',
    who: 'operate',
    from: '127.0.0.1',
    method: 'POST',
    path: '/v1/backups',
    status: 202,
  },
};

export const everyEvent: readonly Event[] = Object.values(samples);

/** The sample of a kind, with other facts where they matter. */
export function sample<K extends EventKind>(
  kind: K,
  facts: Partial<Extract<Event, { kind: K }>> = {},
): Event {
  return { ...samples[kind], ...facts } as Event;
}
