/** The part of the schema that is about taking a backup: when, from which member, through what. */
import { recipientBytes } from '../core/age-text.ts';
import { parseTrustedKey } from '../core/signing-key.ts';
import { agreementPolicies, compressions, leaderPolicies, mismatchPolicies } from './config.ts';
import { optional, section, setting } from './entry.ts';
import { choice, duration, type Format, integer, listOf, refuse, size, truth } from './formats.ts';
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
  grace: setting(
    duration({ min: 0, max: hourMs }),
    '2m',
    'Where several daemons share a store and each is told its cluster.localMember, they take ' +
      'turns, and the next in line waits this long for the one before it. Best longer than a ' +
      'backup takes; shortened where the next due time comes too soon. 0: nobody waits, and each ' +
      'daemon takes every backup.',
    { example: '5m' },
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
  drainLimit: setting(
    duration({ min: 0, max: dayMs }),
    '3m',
    'How long a running backup may go on after the daemon was told to stop. After that it is ' +
      'aborted, leaves nothing and is made up for by the next start. What stops the daemon must ' +
      'wait a minute longer.',
  ),
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

const recipient: Format<string> = {
  name: 'age recipient',
  example: 'age1xmwwc06ly3ee5rytxm9mflaz2u56jjj36s0mypdrwsvlul66mv4q47ryef',
  parse: (text) => {
    if (/^age-secret-key-/i.test(text)) {
      refuse('is an identity, which is secret: write what "age-keygen -y" prints for it');
    }
    if (recipientBytes(text) === undefined) {
      refuse('must be an age recipient of the kind age1..., as age-keygen prints it');
    }
    return text.toLowerCase();
  },
};

const trustedKey: Format<string> = {
  name: 'path of a public key, or the key',
  example: '/etc/etcd-backupd/signing.pub',
  parse: (text) => {
    if (text.startsWith('/')) return absolutePath.parse(text);
    try {
      parseTrustedKey(text, 'it');
      return text;
    } catch {
      refuse('must be the absolute path of an Ed25519 public key in PEM, or the line within it');
    }
  },
};

const seal = section(
  'How snapshots are packed and encrypted before they are stored. With neither, a stored backup ' +
    'is the very file that etcdutl takes, and costs nothing where a store can link to the spool.',
  {
    compression: setting(
      choice(compressions),
      'none',
      'How snapshots are packed. zstd packs better than gzip, several times as fast. The ' +
        'programs of the same names open what was packed.',
    ),
    level: optional(
      integer({ min: 1, max: 19 }),
      'How hard to pack: for gzip 1 to 9, for zstd 1 to 19. Without it 6 and 3, as the tools do.',
      { example: '1' },
    ),
    recipients: optional(
      listOf(recipient, 'list of age recipients'),
      'Public keys that backups are encrypted to, as age-keygen prints them; any one of their ' +
        'identities opens them. Without any, nothing is encrypted. Keep the identities ' +
        'elsewhere: who loses them all has no backups.',
    ),
    identityFile: optional(
      absolutePath,
      'File with identities, for what has to open encrypted backups on this host: restores, ' +
        'drills, "verify --deep". Read at each use. Taking and storing backups needs none, and ' +
        'the restore commands take --identity instead.',
      { example: '/etc/etcd-backupd/identity.txt', secret: true },
    ),
    signingKeyFile: optional(
      absolutePath,
      'File with the private key that signs the manifests of backups, as "openssl genpkey ' +
        '-algorithm ed25519" writes it. Read at each use. A host that signs trusts its own key, ' +
        'and refuses to open what is not signed.',
      { example: '/etc/etcd-backupd/signing.pem', secret: true },
    ),
    trustedKeys: optional(
      listOf(trustedKey, 'list of files and keys'),
      'Public keys, one of which has to have signed a backup that is restored, drilled, verified ' +
        'or read here: files as "openssl pkey -pubout" writes them, or the line within such a ' +
        'file. Keep the key of yesterday here as long as its backups. Without any, and without ' +
        'signingKeyFile, no signature is asked for.',
      { example: '/etc/etcd-backupd/signing.pub' },
    ),
  },
);

const spool = section('The file that a snapshot is drained into before it is stored.', {
  dir: setting(
    absolutePath,
    '/var/lib/etcd-backupd/spool',
    'Folder of the spool, made where it is missing. Needs room for one whole database, and for a ' +
      'second one where it is sealed. On the ' +
      'file system of a file store the bytes are written once.',
  ),
  maxBytes: setting(
    size({ min: 0, max: 2 ** 50 }),
    '0',
    'Largest snapshot that is drained; a larger one fails the backup. 0: no limit but the disk.',
    { example: '10GiB' },
  ),
});

export const backupSections = { schedule, source, seal, spool };
