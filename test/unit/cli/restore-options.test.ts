/** The options of restores: what they ask for, and each mistake told in its own words. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { askedOf, restoreOptions, wantedOf } from '../../../src/cli/restore-options.ts';
import type { Failure } from '../../../src/core/errors.ts';
import { call, complaintOf, place } from './calling.ts';

type Values = Record<string, string | boolean>;

const dataDir = { 'data-dir': '/data' };
const id = '20261119T154500Z-r00000000000055919-abcd';

function wanted(values: Values = {}, ...positionals: string[]) {
  return wantedOf({ values, positionals });
}

function asked(values: Values = {}) {
  return askedOf({ values: { ...dataDir, ...values } });
}

function failureOf(act: () => unknown): Failure {
  try {
    act();
  } catch (thrown) {
    return thrown as Failure;
  }
  throw new Error('it was taken');
}

describe('which backup is wanted', () => {
  const any = { backup: 'latest', before: null, store: null, cluster: null };

  test.each([
    ['nothing', [], {}, any],
    ['the word latest', ['latest'], {}, any],
    ['an id', [id], {}, { ...any, backup: id }],
    ['a store', [], { store: 'local' }, { ...any, store: 'local' }],
    ['a short cluster id', [], { cluster: 'CDF8' }, { ...any, cluster: '000000000000cdf8' }],
    [
      'a time with an offset',
      ['latest'],
      { before: '2026-11-20T17:00:00+02:00' },
      { ...any, before: new Date('2026-11-20T15:00:00Z') },
    ],
  ])('is told by %s', (_, words, values, expected) => {
    expect(wanted(values as Values, ...words)).toEqual(expected);
  });

  test.each([
    [{ before: '' }, [], 'usage', '--before is empty'],
    [
      { before: '2026-11-20T15:00:00Z' },
      [id],
      'usage',
      '--before chooses among all backups; it goes with latest',
    ],
    ...['yesterday', '2026-11-20', '2026-11-20T15:00:00', '2026-13-20T15:00:00Z'].map(
      (before): [Values, string[], string, string] => [
        { before },
        [],
        'usage',
        `--before takes a time such as 2026-11-20T15:00:00Z, not ${before}`,
      ],
    ),
    [{ cluster: 'production' }, [], 'usage', 'not a cluster id: "production"'],
    [{ cluster: '1'.repeat(17) }, [], 'usage', `not a cluster id: "${'1'.repeat(17)}"`],
    [{}, ['newest'], 'backup-missing', 'not a backup id: "newest"'],
    [{}, ['../../etc/passwd'], 'backup-missing', 'not a backup id: "../../etc/passwd"'],
  ] as [Values, string[], string, string][])(
    'is a mistake in %j %j',
    (values, words, code, message) => {
      expect(failureOf(() => wanted(values, ...words))).toMatchObject({ code, message });
    },
  );
});

describe('what is asked', () => {
  test('is the plainest restore where only the place is named', () => {
    expect(asked()).toEqual({
      dataDir: '/data',
      name: null,
      initialCluster: null,
      initialClusterToken: null,
      bumpRevision: null,
      clearAlarms: false,
      owner: null,
      etcdVersion: null,
      force: false,
      fallback: false,
      dryRun: false,
    });
  });

  test('is everything that the options can say', () => {
    const flags = { 'mark-compacted': true, 'clear-alarms': true, force: true, fallback: true };
    const all = asked({
      ...flags,
      name: 'm1',
      'initial-cluster': 'm1=http://h:1,m2=http://h:2,m1=http://h:3',
      'initial-cluster-token': 'token',
      'bump-revision': '1000000000',
      owner: '0:4294967295',
      'etcd-version': 'v3.6.0-rc.1',
      'dry-run': true,
    });

    expect(all).toEqual({
      dataDir: '/data',
      name: 'm1',
      initialCluster: [
        { name: 'm1', peerUrls: ['http://h:1', 'http://h:3'] },
        { name: 'm2', peerUrls: ['http://h:2'] },
      ],
      initialClusterToken: 'token',
      bumpRevision: 1_000_000_000n,
      clearAlarms: true,
      owner: { uid: 0, gid: 4_294_967_295 },
      etcdVersion: 'v3.6.0-rc.1',
      force: true,
      fallback: true,
      dryRun: true,
    });
  });

  test('is a whole path, whatever folder the program was called in', () => {
    expect(asked({ 'data-dir': 'etcd/../data' }).dataDir).toBe(join(process.cwd(), 'data'));
  });

  test('has the advertised URLs as its cluster where no other is named', () => {
    const own = { name: 'm1', 'initial-advertise-peer-urls': 'http://h:2,http://[::1]:1' };

    expect(asked(own).initialCluster).toEqual([
      { name: 'm1', peerUrls: ['http://h:2', 'http://[::1]:1'] },
    ]);
  });

  test('takes advertised URLs in any order, where they are those of the list', () => {
    const listed = { 'initial-cluster': 'm1=http://h:2,m2=http://h:3,m1=http://h:1', name: 'm1' };
    const own = { 'initial-advertise-peer-urls': 'http://h:1,http://h:2' };

    expect(asked({ ...listed, ...own })).toEqual(asked(listed));
  });
});

describe('a mistake in what is asked', () => {
  const list = { 'initial-cluster': 'm1=http://h:1' };
  const texts = Object.entries(restoreOptions).flatMap(([name, { type }]) =>
    type === 'string' && !['store', 'cluster', 'identity', 'trust'].includes(name) ? [name] : [],
  );

  test.each(texts)('is an empty text: --%s', (name) => {
    const act = () => [asked({ [name]: '' }), wanted({ [name]: '' })];

    expect(failureOf(act)).toMatchObject({ code: 'usage', message: `--${name} is empty` });
  });

  test('is no data directory', () => {
    const message = 'name the data directory with --data-dir';

    expect(failureOf(() => askedOf({ values: {} }))).toMatchObject({ code: 'usage', message });
  });

  test.each<[Values, string]>([
    [{ 'bump-revision': '5' }, '--bump-revision and --mark-compacted go together'],
    [{ 'mark-compacted': true }, '--bump-revision and --mark-compacted go together'],
    ...['0', '-1', '1e9', '1.5', '05', ' 5', '9'.repeat(19)].map((bump): [Values, string] => [
      { 'bump-revision': bump, 'mark-compacted': true },
      `--bump-revision takes a number of 1 or more, not ${bump}`,
    ]),
    ...['etcd', '1000', 'etcd:etcd', '1:2:3', '-1:0', '1:', '12345678901:1'].map(
      (owner): [Values, string] => [{ owner }, `--owner takes numbers as UID:GID, not ${owner}`],
    ),
    ...['3', 'latest', '3.x', '3.5.30.1', 'etcd 3.5'].map((version): [Values, string] => [
      { 'etcd-version': version },
      `--etcd-version takes a version such as 3.5.30, not ${version}`,
    ]),
    [{ 'initial-advertise-peer-urls': 'http://h:1' }, '--initial-advertise-peer-urls needs --name'],
    [
      { name: 'm1', 'initial-advertise-peer-urls': 'http://h:1/path' },
      'the initial cluster "m1=http://h:1/path" is wrong: ' +
        '"http://h:1/path" is no peer URL, such as https://10.0.0.1:2380',
    ],
    [
      { ...list, name: 'm1', 'initial-advertise-peer-urls': 'http://h:2' },
      '--initial-cluster has m1 at http://h:1, not at http://h:2',
    ],
    [
      { ...list, name: 'm2', 'initial-advertise-peer-urls': 'http://h:1' },
      '--initial-cluster has no m2, not at http://h:1',
    ],
    [{ 'initial-cluster': 'm1' }, 'the initial cluster "m1" is wrong: "m1" is no NAME=URL'],
  ])('is told: %j', (values, message) => {
    expect(failureOf(() => asked(values))).toMatchObject({ code: 'usage', message });
  });

  test.each(['restore', 'init'])('is told before anything is looked at: %s', async (command) => {
    const told = await call([
      ...[command, 'latest', '--data-dir', '/data', '--bump-revision', '5'],
      ...place({ 'no.such': 'key' }).words,
    ]);

    expect(told).toMatchObject({ code: 'usage', out: '' });
    expect(complaintOf(told)).toBe('--bump-revision and --mark-compacted go together');
  });
});
