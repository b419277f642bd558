/** The part of the schema that is about taking a backup: when, from which member, through what. */
import { agreementPolicies, leaderPolicies, mismatchPolicies } from './config.ts';
import { section, setting } from './entry.ts';
import { choice, duration, integer, size, truth } from './formats.ts';
import { absolutePath, cronText, timeZone } from './places.ts';

const secondMs = 1000;
const hourMs = 60 * 60 * secondMs;
const dayMs = 24 * hourMs;
// A timer of Node that is longer than 2^31 ms (24.8 days) fires at once: every wait stays below.
const longestWaitMs = dayMs;

const schedule = section('When backups are taken.', {
  cron: setting(
    cronText,
    '0 * * * *',
    'Due times: minute, hour, day of month, month, day of week; six fields begin with the ' +
      'second. In YAML keep the quotes.',
    { example: '*/30 * * * *' },
  ),
  timezone: setting(
    timeZone,
    'UTC',
    'Time zone of cron, and of the hours, days, weeks, months and years of the retention rules. ' +
      'Where clocks change, a due time in the hour that comes twice is taken twice, and one in ' +
      'the hour that is left out is taken at the change. UTC has neither.',
    { example: 'Europe/Berlin' },
  ),
  jitter: setting(
    duration({ min: 0, max: longestWaitMs }),
    '0s',
    'Longest random delay behind each due time, so that many clusters do not write to one store ' +
      'in the same second.',
    { example: '2m' },
  ),
  catchUp: setting(
    truth,
    'true',
    'Whether a due time that passed while the daemon was down is made up for after the start. ' +
      'Many missed ones are made up for once.',
  ),
  skipUnchanged: setting(
    truth,
    'false',
    'Whether a due time is skipped when the revision of the cluster is that of the newest backup.',
  ),
  maxSkip: setting(
    duration({ min: 0, max: 365 * dayMs }),
    '24h',
    'With skipUnchanged: unchanged or not, a backup is taken when the newest is older than this.',
  ),
  onStart: setting(truth, 'false', 'Whether a backup is taken at each start of the daemon.'),
  retries: setting(
    integer({ min: 0, max: 100 }),
    '5',
    'How often a failed backup is tried again before the next due time. 0: never.',
  ),
  retryDelay: setting(
    duration({ min: secondMs, max: longestWaitMs }),
    '30s',
    'Wait before the first retry. Each further wait is longer, up to retryDelayMax.',
  ),
  retryDelayMax: setting(
    duration({ min: secondMs, max: longestWaitMs }),
    '10m',
    'Longest wait between two retries.',
  ),
});

const source = section('Which member gives the snapshot, and what it has to prove.', {
  allowLeader: setting(
    choice(leaderPolicies),
    'alone',
    'Whether the leader may give the snapshot, which costs it disk reads and network: never; ' +
      'alone, where no other member is fit; always, like any other member.',
  ),
  maxLag: setting(
    integer({ min: 1, max: 1_000_000_000 }),
    '1000',
    'How many raft entries a member may be behind the cluster and still give the snapshot.',
  ),
  stallTimeout: setting(
    duration({ min: secondMs, max: longestWaitMs }),
    '60s',
    'How long a snapshot may bring no byte before it is given up. There is no limit on the ' +
      'whole: a large database may take its time.',
  ),
  requireAgreement: setting(
    choice(agreementPolicies),
    'auto',
    'Whether other members are asked for the hash of the same revision: always; never; auto, ' +
      'where the database is not larger than agreementMaxBytes. A hash makes each member read ' +
      'its whole keyspace.',
  ),
  agreementMaxBytes: setting(
    size({ min: 0, max: 2 ** 50 }),
    '8GiB',
    'Size of the database from which on requireAgreement: auto does not ask.',
  ),
  onMismatch: setting(
    choice(mismatchPolicies),
    'keep',
    'What becomes of a snapshot when members hold different data: keep it, marked and never ' +
      'counted as proved; or discard it.',
  ),
});

const spool = section('The file that a snapshot is drained into before it is stored.', {
  dir: setting(
    absolutePath,
    '/var/lib/etcd-backupd/spool',
    'Folder of the spool, made where it is missing. Needs room for one whole database. On the ' +
      'file system of a file store the bytes are written once.',
  ),
  maxBytes: setting(
    size({ min: 0, max: 2 ** 50 }),
    '0',
    'Largest snapshot that is drained; a larger one fails the backup. 0: no limit but the disk.',
    { example: '10GiB' },
  ),
});

export const backupSections = { schedule, source, spool };
