/**
 * The part of the schema that is about the way back: restores, the drills that prove them, and what
 * keeps every store able to serve one.
 */
import { optional, section, setting } from './entry.ts';
import { duration, type Format, listOf, truth } from './formats.ts';
import { absolutePath, cronText } from './places.ts';

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

const paths = (name: string): Format<readonly string[]> => listOf(absolutePath, name);

const restore = section('How backups become data directories again.', {
  roots: optional(
    paths('list of absolute paths'),
    'Folders that data directories may be restored below. Without it the command line may ' +
      'restore anywhere, and the admin API nowhere.',
    { example: '/var/lib' },
  ),
  before: optional(
    paths('list of absolute paths of programs'),
    'Programs that are called with "run" before the new data directory takes its place, in this ' +
      'order: to stop the API server, to stop etcd. When the restore fails after them, they are ' +
      'called with "undo", the last first. The restore is built and proved before the first one.',
    { example: '/etc/etcd-backupd/stop-apiserver,/etc/etcd-backupd/stop-etcd' },
  ),
  after: optional(
    paths('list of absolute paths of programs'),
    'Programs that are called with "run" after the new data directory has taken its place: to ' +
      'start etcd, to start the API server.',
    { example: '/etc/etcd-backupd/start-etcd,/etc/etcd-backupd/start-apiserver' },
  ),
  programLimit: setting(
    duration({ min: secondMs, max: hourMs }),
    '2m',
    'Longest time that one of these programs may take.',
  ),
});

const drill = section(
  'Restores that are done only as a proof: the newest proved backup is restored to a scratch ' +
    'folder below spool.dir and served by an etcd of its own, which has to hold the same data.',
  {
    cron: optional(
      cronText,
      'Due times of drills, in schedule.timezone. Without it there are none by schedule.',
      { example: '30 3 * * *' },
    ),
    etcdBinary: setting(
      absolutePath,
      '/usr/local/bin/etcd',
      'The etcd program for drills. Where there is none, drills are skipped and say so.',
    ),
    startLimit: setting(
      duration({ min: secondMs, max: 10 * minuteMs }),
      '5m',
      'Longest time until the etcd of a drill answers. A large database needs some.',
    ),
  },
);

const heal = section(
  'Backups that a store lacks and others have: they are copied to it, as far as its own ' +
    'retention keeps them. So a store that was dead, full or emptied gets its backups later.',
  {
    enabled: setting(truth, 'true', 'Whether the daemon does so by itself.'),
    cron: setting(
      cronText,
      '17 * * * *',
      'Due times at which stores are compared, in schedule.timezone; beside the start, and every ' +
        'run that a store failed in. What fails is tried again with growing pauses.',
    ),
  },
);

export const restoreSections = { restore, drill, heal };
