import { describe, expect, test } from 'vitest';
import { latest } from '../../support/asked-restore.ts';
import { id } from './house.ts';
import { open } from './restore-house.ts';

describe('the body of a restore', () => {
  test('takes all that a restore knows but its owner and its programs', async () => {
    const { ask, begun, dataDir } = open();
    const members = [
      { name: 'm1', peerUrls: ['https://10.0.0.1:2380', 'https://10.0.1.1:2380'] },
      { name: 'm2', peerUrls: ['https://[fd00::2]:2380'] },
    ];

    const answer = await ask({
      backup: 'latest',
      before: '2026-11-20T15:00:00+01:00',
      store: 'local',
      name: 'm1',
      initialCluster: members,
      initialClusterToken: 'prod-2',
      bumpRevision: 1_000_000_000,
      clearAlarms: true,
      etcdVersion: '3.5.30',
      force: true,
      fallback: true,
      dryRun: true,
    });

    expect(answer.statusCode).toBe(202);
    expect(begun[0]?.wanted).toEqual({
      ...latest,
      before: new Date('2026-11-20T14:00:00Z'),
      store: 'local',
    });
    expect(begun[0]?.asked).toEqual({
      dataDir,
      name: 'm1',
      initialCluster: members,
      initialClusterToken: 'prod-2',
      bumpRevision: 1_000_000_000n,
      clearAlarms: true,
      owner: null,
      etcdVersion: '3.5.30',
      force: true,
      fallback: true,
      dryRun: true,
    });
  });

  test("takes a backup by its id, etcd's own notation, and numbers too large for JSON", async () => {
    const { ask, begun } = open();
    const initialCluster = 'm1=http://10.0.0.1:2380,m1=http://10.0.1.1:2380';

    await ask({ backup: id, initialCluster, bumpRevision: '900719925474099312' });

    expect(begun[0]?.wanted.backup).toBe(id);
    expect(begun[0]?.asked).toMatchObject({
      initialCluster: [{ name: 'm1', peerUrls: ['http://10.0.0.1:2380', 'http://10.0.1.1:2380'] }],
      bumpRevision: 900_719_925_474_099_312n,
    });
  });

  test.each([
    ['no body', undefined, 'no JSON object'],
    ['a list', [], 'no JSON object'],
    ['null', null, 'no JSON object'],
    ['no place', {}, 'dataDir: it is missing'],
    ['a place of another type', { dataDir: 7 }, 'dataDir: '],
    ['a relative place', { dataDir: 'var/lib/etcd' }, 'dataDir: '],
    ['a place with a way up', { dataDir: '/var/lib/../../etc' }, 'dataDir: '],
    ['a place with a slash behind it', { dataDir: '/var/lib/etcd/' }, 'dataDir: '],
    ['a place with a NUL', { dataDir: '/var/lib/etcd\0' }, 'dataDir: '],
    ['a place without an end', { dataDir: `/${'x'.repeat(5000)}` }, 'dataDir: '],
    ['an owner', { owner: '0:0' }, '"owner": '],
    ['a program', { after: ['/bin/sh'] }, '"after": '],
    ['a program where a time goes', { before: ['/bin/sh'] }, 'before: '],
    ['a command', { command: 'id' }, '"command": '],
    ['a cluster', { cluster: 'c1' }, '"cluster": '],
    ['a slip of the pen', { dryrun: true }, '"dryrun": '],
    ['a prototype', JSON.parse('{"__proto__":{"force":true}}'), '"__proto__": '],
    ['a backup that is no id', { backup: '../../etc' }, 'backup: '],
    ['no backup', { backup: null }, 'backup: '],
    ['a time without its offset', { before: '2026-11-20T15:00:00' }, 'before: '],
    ['a time for one backup', { before: '2026-11-20T15:00:00Z', backup: id }, 'before: '],
    ['a store of another type', { store: ['local'] }, 'store: '],
    ['no name', { name: '' }, 'name: '],
    ['a name of two members', { name: 'm1,m2' }, 'name: '],
    ['a list that is no URL', { initialCluster: 'm1=10.0.0.1' }, 'initialCluster: '],
    ['no members', { initialCluster: [] }, 'initialCluster: '],
    ['members that are none', { initialCluster: [null, 'm1'] }, 'initialCluster: '],
    ['a member without URLs', { initialCluster: [{ name: 'm1', peerUrls: [] }] }, 'initialCluster'],
    [
      'a member with a key of its own',
      { initialCluster: [{ name: 'm1', peerUrls: ['http://10.0.0.1:2380'], learner: true }] },
      'initialCluster: ',
    ],
    [
      'a member that hides another in its name',
      { initialCluster: [{ name: 'm2=http://b:1,m1', peerUrls: ['http://a:1'] }] },
      'initialCluster: ',
    ],
    [
      'a member that hides another in its URL',
      { initialCluster: [{ name: 'm1', peerUrls: ['http://a:1,m2=http://b:1'] }] },
      'initialCluster: ',
    ],
    [
      'two members of one name',
      {
        initialCluster: [
          { name: 'm1', peerUrls: ['http://a:1'] },
          { name: 'm1', peerUrls: ['http://b:1'] },
        ],
      },
      'initialCluster: two members have one name',
    ],
    ['a token of another type', { initialClusterToken: 7 }, 'initialClusterToken: '],
    ['half a bump', { bumpRevision: 1.5 }, 'bumpRevision: '],
    ['no bump', { bumpRevision: 0 }, 'bumpRevision: '],
    ['a bump backwards', { bumpRevision: '-1' }, 'bumpRevision: '],
    ['a bump that JSON cannot hold', { bumpRevision: 2 ** 53 }, 'bumpRevision: '],
    ['a switch as a text', { force: 'true' }, 'force: '],
    ['a switch as a number', { dryRun: 1 }, 'dryRun: '],
    ['a version that is none', { etcdVersion: 'newest' }, 'etcdVersion: '],
  ])('refuses %s, and says which key', async (_what, changes, told) => {
    const { call, begun, dataDir } = open();
    const isWhole = changes === undefined || changes === null || Array.isArray(changes);
    const isPlace = !isWhole && (Object.keys(changes).length === 0 || 'dataDir' in changes);
    // Spread, a key __proto__ would be lost.
    const body = isWhole || isPlace ? changes : Object.defineProperties({ dataDir }, own(changes));

    const answer = await call('POST /v1/restores', body);

    expect([answer.statusCode, answer.json().code]).toEqual([400, 'bad-request']);
    expect(answer.json().detail).toContain(told);
    expect(begun).toEqual([]);
  });

  test('tells all that is wrong at once', async () => {
    const { call } = open();

    const answer = await call('POST /v1/restores', {
      force: 1,
      owner: 'root',
      acceptsUnsigned: true,
      name: 7,
    });

    expect(answer.json().detail.split('; ')).toEqual([
      'dataDir: it is missing',
      'name: not a text without spaces, commas and equals signs',
      'force: not true or false',
      '"owner": no call takes this key',
      '"acceptsUnsigned": no call takes this key',
    ]);
  });
});

function own(changes: object): PropertyDescriptorMap {
  return Object.fromEntries(
    Object.entries(changes).map(([key, value]) => [key, { value, enumerable: true }]),
  );
}
