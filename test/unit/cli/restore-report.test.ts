/** What is told of a restore, as golden files. */
import { describe, expect, test } from 'vitest';
import { reportText } from '../../../src/cli/restore-report.ts';
import { json } from '../../../src/cli/table.ts';
import { clusterId, memberId, revision } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import { parseBackupId } from '../../../src/core/names.ts';
import type { RestoreReport } from '../../../src/core/restore.ts';
import { reportJson } from '../../../src/core/restore-json.ts';
import { expectGolden } from './calling.ts';

const restored: RestoreReport = {
  backup: parseBackupId('20261120T154500Z-r00000000000055919-a1b2'),
  store: 'local',
  takenAt: new Date('2026-11-20T15:45:00.123Z'),
  leastEtcd: '3.5',
  dryRun: false,
  dataDir: '/var/lib/etcd',
  aside: null,
  member: { name: 'm1', id: memberId('8e9e05c52164694d') },
  cluster: { id: clusterId('cdf818194e3a8c32'), token: 'production-2' },
  revision: revision('55919'),
  keys: 1203,
  sizeBytes: 1_288_490_188,
  alarms: [],
  leases: 0,
  authEnabled: false,
  passedOver: [],
  warnings: [],
  steps: { choose: 12, preflight: 3, fetch: 8123, prove: 940, build: 80, swap: 21 },
};

const everything: RestoreReport = {
  ...restored,
  leastEtcd: '3.6',
  aside: '/var/lib/etcd.before-restore-20261121T000000Z',
  alarms: ['NOSPACE', 'CORRUPT'],
  leases: 3,
  authEnabled: true,
  passedOver: [
    {
      backup: parseBackupId('20261120T164500Z-r00000000000056000-c3d4'),
      failure: new Failure('object-damaged', 'store local: the data is cut'),
    },
  ],
  warnings: ['etcd 3.7.1 is 2 minors above 3.5: etcd supports one at a time'],
};

describe('the report of a restore', () => {
  test.each([
    ['restore-report', restored],
    ['restore-report-everything', everything],
    ['restore-report-dry-run', { ...everything, dryRun: true, aside: null }],
  ])('is as committed: %s', (name, report) => {
    expectGolden(`${name}.txt`, reportText(report));
    expectGolden(`${name}.json`, json(reportJson(report)));
  });

  test.each<[string, Partial<RestoreReport>, RegExp]>([
    ['the old data', { aside: '/old' }, /^old data +\/old$/m],
    ['that there was no old data', {}, /^old data +there was none$/m],
    ['what may be removed later', { aside: '/old' }, /^next +when all is well.*: remove \/old$/m],
    ['alarms', { alarms: ['NOSPACE'] }, /^note +alarms are raised in it: NOSPACE /m],
    ['leases', { leases: 7 }, /^note +leases are in it: 7; /m],
    ['users of that time', { authEnabled: true }, /^note +auth is on in it/m],
    ['the oldest etcd that serves it', { leastEtcd: '3.6' }, /^next +start etcd 3\.6 or newer/m],
    ['any etcd where nobody knows', { leastEtcd: null }, /^next +start etcd with --data-dir/m],
    ['warnings', { warnings: ['look out'] }, /^WARNING +look out$/m],
    ['what was passed over', everything, /^WARNING +backup \S+-c3d4 was passed over: store local/m],
  ])('tells of %s', (_, changes, line) => {
    expect(reportText({ ...restored, ...changes })).toMatch(line);
  });

  test('says nothing of what is not there', () => {
    expect(reportText(restored)).not.toMatch(/^(note|WARNING)/m);
  });

  test('of a dry run promises nothing, and has no next steps', () => {
    const text = reportText({ ...restored, dryRun: true });

    expect(text).toMatch(/^dry run: \/var\/lib\/etcd could be restored; nothing was changed\n/);
    expect(text).not.toMatch(/^(next|old data)/m);
  });
});
