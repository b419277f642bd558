/** The part of the schema that is about keeping backups: the stores and the retention rules. */
import { storeTypes } from './config.ts';
import { type Entry, optional, required, section, setting } from './entry.ts';
import { choice, duration, type Format, integer, nameLike, size, truth } from './formats.ts';
import { absolutePath } from './places.ts';
import { s3Section } from './s3-schema.ts';

const hourMs = 60 * 60 * 1000;
const longestMs = 100 * 365 * 24 * hourMs;
const count = integer({ min: 0, max: 100_000 });

const rules = {
  keepLast: rule(count, '7', 'Number of newest backups to keep.', 'shown'),
  keepWithin: rule(
    duration({ min: 0, max: longestMs }),
    '24h',
    'Every backup is kept that is at most this much older than the newest one.',
  ),
  hourly: rule(count, '24', 'Number of hours that have a backup, of which one is kept each.'),
  daily: rule(count, '7', 'Number of days that have a backup, of which one is kept each.', 'shown'),
  weekly: rule(
    count,
    '4',
    'Number of weeks that have a backup, of which one is kept each.',
    'shown',
  ),
  monthly: rule(
    count,
    '6',
    'Number of months that have a backup, of which one is kept each.',
    'shown',
  ),
  yearly: rule(count, '0', 'Number of years that have a backup, of which one is kept each.'),
  minimum: rule(
    integer({ min: 1, max: 100_000 }),
    '3',
    'Number of proved backups below which nothing is removed, whatever the other rules say.',
  ),
};

type RuleName = keyof typeof rules;

const rate = size({ min: 64 * 1024, max: 2 ** 40 });

const orphanGrace = setting(
  duration({ min: 1000, max: longestMs }),
  '24h',
  'Age at which data without a manifest is removed from a store. Must be longer than the longest ' +
    'upload: data of a running upload has no manifest yet.',
);

export const retentionSection = section(
  'What is kept. A backup stays when any rule keeps it; 0 turns a rule off, and with every rule ' +
    'off everything is kept. Only proved backups count; the newest of them is never removed.',
  {
    ...mapRules(({ format, value, doc, shown }) =>
      setting(format, value, doc, shown ? { shown: value } : {}),
    ),
    orphanGrace,
  },
);

const bandwidth = section(
  'How many bytes per second may go to the store and come from it, all of its work together, ' +
    'so that others on the same line have room. The stream of the member is not slowed by it. A ' +
    'file store that links to the spool transfers nothing.',
  {
    upload: optional(rate, 'For backups on their way to the store.', { example: '10MiB' }),
    download: optional(
      rate,
      'For what is read back: by proofs, verifications and drills, and by restores too: in ' +
        'need, give those a configuration without it.',
      { example: '50MiB' },
    ),
  },
);

export const storeSection = section('', {
  name: required(
    nameLike('local'),
    'Name of the store in logs, metrics and commands. Must be unique.',
    { shown: 'local' },
  ),
  type: required(
    choice(storeTypes),
    'Kind of the store: file is a folder on a disk of this host; nfs is a folder on NFS or on ' +
      'another mount that can hang; s3 is a bucket.',
    {
      shown: 'file',
    },
  ),
  path: optional(
    absolutePath,
    'For types file and nfs: folder that keeps the backups, made where only itself is missing. ' +
      'Best not on the disk of etcd: what takes the one should leave the other.',
    { shown: '/var/backups/etcd' },
  ),
  mountPoint: optional(
    absolutePath,
    'For types file and nfs: folder at or above path that must be a mount point whenever the ' +
      'store is used, so that nothing is written below a disk that is not mounted. Without it a ' +
      'store of type nfs demands that path is on a mount of type NFS.',
    { example: '/var/backups' },
  ),
  shared: optional(
    truth,
    'Whether daemons on other hosts keep backups of the cluster in this store too. One backup of ' +
      'a due time is then enough in it: see schedule.grace. Without it: false for type file, ' +
      'true for nfs and s3.',
    { example: 'true' },
  ),
  s3: s3Section,
  bandwidth,
  stallTimeout: setting(
    duration({ min: 1000, max: 24 * hourMs }),
    '5m',
    'How long nothing may move in a call to the store, with all that is tried again in it, ' +
      'before the store counts as hung and its part of the work as failed. A slow store that ' +
      'moves is left alone. s3.stallTimeout is about one connection and should be much shorter.',
  ),
  retention: section(
    'Rules for this store. Each one that is given replaces the global one of the same name; the ' +
      'others stay.',
    mapRules(({ format, value }, name) =>
      optional(format, `In place of retention.${name}.`, { example: value }),
    ),
  ),
});

interface Rule {
  readonly format: Format<number>;
  readonly value: string;
  readonly doc: string;
  /** Live in the example: the rules that most operators think about. */
  readonly shown: boolean;
}

function rule(format: Format<number>, value: string, doc: string, shown?: 'shown'): Rule {
  return { format, value, doc, shown: shown !== undefined };
}

function mapRules<T>(
  make: (rule: Rule, name: string) => Entry<T>,
): Readonly<Record<RuleName, Entry<T>>> {
  const entries = Object.entries(rules).map(([name, rule]) => [name, make(rule, name)] as const);
  return Object.fromEntries(entries) as Record<RuleName, Entry<T>>;
}
