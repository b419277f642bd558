/** The buckets beside `key`: what is taken from them, and what etcd could not start with. */
import { describe, expect, test } from 'vitest';
import { inspectSnapshot } from '../../../src/format/inspect-snapshot.ts';
import { memorySource, type TestPair, writeBbolt } from '../../support/bbolt.ts';
import { type Buckets, bigEndian, clusterBuckets, leasePair, memberHex } from './cluster-bytes.ts';
import { keyValue } from './history.ts';

function inspect(buckets: Buckets) {
  return inspectSnapshot(memorySource(writeBbolt({ key: [], ...buckets }).bytes)).facts;
}

test('a young cluster tells its member, version, term and index', () => {
  expect(inspect(clusterBuckets())).toMatchObject({
    members: [
      {
        id: memberHex,
        name: 'm1',
        peerUrls: ['http://127.0.0.1:2380'],
        clientUrls: [],
        learner: false,
      },
    ],
    removedMembers: [],
    alarms: [],
    leases: { count: 0, first: [] },
    auth: { enabled: false, revision: 1n, users: [], roles: [] },
    storageVersion: null,
    clusterVersion: '3.5.0',
    consistentIndex: 42n,
    term: 3n,
    downgrade: null,
    txid: 7n,
  });
});

test('everything that may be in the buckets is found', () => {
  const largestId = 2n ** 64n - 1n;
  const facts = inspect({
    ...clusterBuckets(),
    alarm: [
      [
        keyValue([
          [1, largestId],
          [2, 1n],
        ]),
        '',
      ],
    ],
    auth: [
      ['authEnabled', Buffer.from([1])],
      ['authRevision', bigEndian(9n)],
    ],
    authRoles: [['root', 'x']],
    authUsers: [
      ['alice', 'x'],
      ['root', 'x'],
    ],
    cluster: [
      ['clusterVersion', '3.6.0'],
      ['downgrade', '{"target-version":"3.5.0","enabled":true}'],
    ],
    lease: [leasePair(7n, 60n), leasePair(2n ** 62n, 3600n)],
    members: [
      [
        'ffffffffffffffff',
        '{"id":18446744073709551615,"peerURLs":["http://h:1"],"isLearner":true,"name":"n",' +
          '"clientURLs":["http://h:2"]}',
      ],
    ],
    members_removed: [['1f', 'removed']],
    meta: [
      ['consistent_index', bigEndian(largestId)],
      ['storageVersion', '3.6.0'],
    ],
  });

  expect(facts).toMatchObject({
    alarms: [{ member: 'ffffffffffffffff', kind: 'NOSPACE' }],
    auth: { enabled: true, revision: 9n, users: ['alice', 'root'], roles: ['root'] },
    clusterVersion: '3.6.0',
    downgrade: { targetVersion: '3.5.0', enabled: true },
    members: [{ id: 'ffffffffffffffff', learner: true, clientUrls: ['http://h:2'] }],
    removedMembers: ['000000000000001f'],
    storageVersion: '3.6.0',
    consistentIndex: largestId,
    term: null,
  });
  expect(facts.leases).toEqual({
    count: 2,
    first: [
      { id: '0000000000000007', ttlSeconds: 60n, remainingSeconds: 0n },
      { id: '4000000000000000', ttlSeconds: 3600n, remainingSeconds: 0n },
    ],
  });
});

test('all leases are counted and the first thousand are listed', () => {
  const lease = Array.from({ length: 2500 }, (_, at) => leasePair(BigInt(at + 1), 60n));

  const { leases } = inspect({ ...clusterBuckets(), lease });

  expect(leases.count).toBe(2500);
  expect(leases.first).toHaveLength(1000);
});

test('an alarm of a kind that nobody knows keeps its number', () => {
  const alarm: TestPair[] = [
    [
      keyValue([
        [1, 5n],
        [2, 9n],
      ]),
      '',
    ],
  ];

  expect(inspect({ ...clusterBuckets(), alarm }).alarms).toEqual([
    { member: '0000000000000005', kind: 9 },
  ]);
});

test('a file without any bucket but the keyspace is no fault', () => {
  expect(inspect({})).toMatchObject({ members: [], totalRows: 0, consistentIndex: null });
});

describe('what etcd could not start with is a fault', () => {
  test.each<[string, Buckets, string]>([
    [
      'an index of 7 bytes',
      { meta: [['consistent_index', 'seven b']] },
      'has 7 bytes instead of 8',
    ],
    ['a term of 9 bytes', { meta: [['term', 'nine byte']] }, 'has 9 bytes instead of 8'],
    ['a bad compaction', { meta: [['finishedCompactRev', 'x']] }, 'is no revision'],
    ['a member that is no JSON', { members: [['1f', '{']] }, '"1f" is no member'],
    ['a member that is a list', { members: [['1f', '[]']] }, '"1f" is no member'],
    ['a member with wrong URLs', { members: [['1f', '{"peerURLs":[1]}']] }, 'is no member'],
    ['a member of another id', { members: [['1f', '{"id":30}']] }, 'calls itself 1e'],
    ['a member key', { members: [['xyz', '{}']] }, 'has no member id as its key'],
    ['a removed member key', { members_removed: [['', 'removed']] }, 'has no member id'],
    ['a vast value', { members: [['1f', 'x'.repeat(1_100_000)]] }, 'has a value of 1100000 bytes'],
    ['a lease', { lease: [[bigEndian(1n), Buffer.from([0xff])]] }, 'is no lease'],
    ['an alarm', { alarm: [[Buffer.from([0x0a, 0xff]), '']] }, 'is no alarm'],
    ['a downgrade', { cluster: [['downgrade', 'null']] }, 'is no downgrade state'],
  ])('%s', (_, buckets, reason) => {
    const act = () => inspect({ ...clusterBuckets(), ...buckets });

    expect(act).toThrow(expect.objectContaining({ code: 'snapshot-corrupt' }));
    expect(act).toThrow(reason);
    expect(act).toThrow(/^page \d+: bucket "/);
  });
});
