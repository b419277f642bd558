/** A snapshot's database as that of a new member: what changes, and that nothing else does. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inspectSnapshot } from '../../../src/format/inspect-snapshot.ts';
import { memberJson, newCluster } from '../../../src/format/new-cluster.ts';
import { type RestoredAs, restoredDatabase } from '../../../src/format/restored-database.ts';
import { memorySource, type TestBucket, type TestPair, writeBbolt } from '../../support/bbolt.ts';
import { changed } from './appended.ts';
import { type Buckets, bigEndian, clusterBuckets } from './cluster-bytes.ts';
import { historyOf, keyValue, pairsOf, revisionKey, statusHashOf } from './history.ts';

const cluster = newCluster(
  [
    { name: 'm1', peerUrls: ['http://10.0.0.1:2380'] },
    { name: 'm2', peerUrls: ['http://10.0.0.2:2380'] },
  ],
  'token',
);
const newMembers = cluster.members.map((member): TestPair => {
  return [member.id.toString(16), memberJson(member)];
});
const plainly: RestoredAs = {
  cluster,
  bumpRevision: null,
  clearAlarms: false,
  forgetVersions: false,
};

const rows = pairsOf(
  historyOf(Array.from({ length: 200 }, (_, at) => [{ put: `key-${at}`, value: 'v'.repeat(50) }])),
);
/** The newest revision of the rows. */
const newest = 201n;
const alarm: TestPair[] = [
  [
    keyValue([
      [1, 10276657743932975437n],
      [2, 1n],
    ]),
    '',
  ],
];
const versions: Buckets = {
  cluster: [
    ['clusterVersion', '3.6.0'],
    ['downgrade', '{"target-version":"3.5.0","enabled":true}'],
  ],
};

type Given = Record<string, TestBucket | readonly TestPair[]>;

function restored(buckets: Given, as: Partial<RestoredAs> = {}): Buffer {
  return again(writeBbolt(buckets).bytes, as);
}

function again(bytes: Buffer, as: Partial<RestoredAs> = {}): Buffer {
  const changes = restoredDatabase(memorySource(bytes), bytes.length, { ...plainly, ...as });
  return changed(bytes, changes);
}

function factsOf(bytes: Uint8Array) {
  return inspectSnapshot(memorySource(bytes)).facts;
}

/** What the bucket `meta` is to be, in key order. */
function metaWith(own: Record<string, Uint8Array | string>): TestPair[] {
  const all = { consistent_index: bigEndian(2n), term: bigEndian(1n), ...own };
  return Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1));
}

const confState = '{"voters":[10276657743932975437],"auto_leave":false}';

describe('the database of a new member', () => {
  test('has the new members, a new index and term, and else what it had', () => {
    const given = { ...clusterBuckets({ scheduled: 90n, finished: 80n }), key: rows, alarm };

    const bytes = restored({ ...given, members_removed: [['1f', 'removed']] });

    const marks = {
      scheduledCompactRev: revisionKey(90n, 0n),
      finishedCompactRev: revisionKey(80n, 0n),
    };
    expect(factsOf(bytes).statusHash).toBe(
      statusHashOf({ ...given, members: newMembers, meta: metaWith({ confState, ...marks }) }),
    );
    expect(factsOf(bytes)).toMatchObject({
      members: [{ name: cluster.members[0]?.name }, { name: cluster.members[1]?.name }],
      removedMembers: [],
      consistentIndex: 2n,
      term: 1n,
      alarms: [{ kind: 'NOSPACE' }],
    });
  });

  test('of etcd 3.4, or of nothing at all, gets the buckets that it lacks', () => {
    const bytes = restored({ key: rows });

    const empty = { cluster: [], members_removed: [] };
    expect(factsOf(bytes).statusHash).toBe(
      statusHashOf({ ...empty, key: rows, members: newMembers, meta: metaWith({}) }),
    );
  });

  test('loses alarms only where that was asked for', () => {
    const given = { ...clusterBuckets(), key: rows, alarm };

    expect(factsOf(restored(given)).alarms).toHaveLength(1);
    expect(factsOf(restored(given, { clearAlarms: true })).alarms).toEqual([]);
  });

  test('loses what an older etcd refuses only where that was asked for', () => {
    const meta = [...(clusterBuckets()['meta'] ?? [])];
    meta.splice(2, 0, ['storageVersion', '3.6.0']);
    const given = { ...clusterBuckets(), ...versions, key: rows, meta };

    expect(factsOf(restored(given))).toMatchObject({
      storageVersion: '3.6.0',
      clusterVersion: '3.6.0',
      downgrade: { targetVersion: '3.5.0' },
    });
    const forgetful = restored(given, { forgetVersions: true });
    expect(factsOf(forgetful)).toMatchObject({
      storageVersion: null,
      clusterVersion: null,
      downgrade: null,
    });
    const emptied = { ...given, cluster: [], members: newMembers };
    expect(factsOf(forgetful).statusHash).toBe(
      statusHashOf({ ...emptied, meta: metaWith({ confState }) }),
    );
  });

  test('with a hundred members is sound: they do not fit into the root any more', () => {
    const many = newCluster(
      Array.from({ length: 100 }, (_, at) => ({
        name: `m${at}`,
        peerUrls: [`http://h:${at + 1}`],
      })),
      'token',
    );

    const facts = factsOf(restored({ ...clusterBuckets(), key: rows }, { cluster: many }));

    expect(facts.members).toHaveLength(100);
    expect(facts.consistentIndex).toBe(100n);
  });
});

describe('a jump of the revision', () => {
  test('adds one empty row, and marks everything before it as compacted', () => {
    const given = { ...clusterBuckets(), key: rows };

    const bytes = restored(given, { bumpRevision: 1000n });

    const jumped = revisionKey(newest + 1000n, 0n);
    expect(factsOf(bytes)).toMatchObject({
      currentRevision: newest + 1000n,
      compactRevision: newest + 1000n,
      // etcd counts the row as a key without a name.
      keys: 201,
    });
    expect(factsOf(bytes).statusHash).toBe(
      statusHashOf({
        ...given,
        key: [...rows, [jumped, '']],
        members: newMembers,
        meta: metaWith({ confState, scheduledCompactRev: jumped }),
      }),
    );
  });

  test.each([
    ['the last row', {}, rows, newest],
    ['a scheduled compaction above the last row', { scheduled: 300n, finished: 250n }, rows, 300n],
    ['a finished compaction above the last row', { scheduled: 240n, finished: 250n }, rows, 250n],
    ['the last row above compactions', { scheduled: 150n, finished: 150n }, rows, newest],
    ['a compaction, where there is no row', { scheduled: 40n }, [], 40n],
    ['1, the revision of a new etcd', {}, [], 1n],
  ])('counts from %s', (_, marks, key, from) => {
    const bytes = restored({ ...clusterBuckets(marks), key }, { bumpRevision: 7n });

    expect(factsOf(bytes)).toMatchObject({
      currentRevision: from + 7n,
      compactRevision: from + 7n,
    });
  });

  test('counts from a tombstone as from any row', () => {
    const key = pairsOf(historyOf([[{ put: 'a', value: '1' }], [{ remove: 'a' }]]));

    const bytes = restored({ ...clusterBuckets(), key }, { bumpRevision: 10n });

    expect(factsOf(bytes)).toMatchObject({ currentRevision: 13n, keys: 1 });
  });

  test('that is done twice jumps twice', () => {
    const once = restored({ ...clusterBuckets(), key: rows }, { bumpRevision: 1_000_000_000n });

    const twice = again(once, { bumpRevision: 1_000_000_000n });

    const [first, second] = [newest + 1_000_000_000n, newest + 2_000_000_000n];
    expect(factsOf(twice)).toMatchObject({ currentRevision: second, compactRevision: second });
    expect(factsOf(twice).statusHash).toBe(
      statusHashOf({
        ...clusterBuckets(),
        key: [...rows, [revisionKey(first, 0n), ''], [revisionKey(second, 0n), '']],
        members: newMembers,
        meta: metaWith({ confState, scheduledCompactRev: revisionKey(second, 0n) }),
      }),
    );
  });

  test('leaves the rows sound, however their pages lie', () => {
    const shape = fc.record({
      count: fc.nat(60),
      pairsPerLeaf: fc.integer({ min: 1, max: 20 }),
      childrenPerBranch: fc.integer({ min: 2, max: 4 }),
      bump: fc.bigInt({ min: 1n, max: 10n ** 18n }),
    });
    fc.assert(
      fc.property(shape, ({ count, pairsPerLeaf, childrenPerBranch, bump }) => {
        const key = { pairs: rows.slice(0, count), pairsPerLeaf, childrenPerBranch };
        const at = count === 0 ? 1n : BigInt(count + 1);

        const facts = factsOf(restored({ ...clusterBuckets(), key }, { bumpRevision: bump }));

        const { currentRevision, compactRevision, keys } = facts;
        expect([currentRevision, compactRevision, keys]).toEqual([at + bump, at + bump, count + 1]);
      }),
      { numRuns: 80 },
    );
  });
});

test('a database that was restored before is restored like any other', () => {
  const given = { ...clusterBuckets(), key: rows };

  const twice = again(restored(given, { bumpRevision: null }));

  expect(factsOf(twice).statusHash).toBe(factsOf(restored(given)).statusHash);
});
