/**
 * Rows that the quick judgement of a page leaves to the exact way: rare, but etcd reads them, so
 * nothing may be wrong about them.
 */
import { describe, expect, test } from 'vitest';
import { hashKv } from '../../../src/format/hash-kv.ts';
import { inspectSnapshot } from '../../../src/format/inspect-snapshot.ts';
import {
  memorySource,
  type TestBucket,
  type TestFileOptions,
  type TestPair,
  writeBbolt,
} from '../../support/bbolt.ts';
import { leafPage } from '../../support/bbolt-pages.ts';
import { clusterBuckets } from './cluster-bytes.ts';
import {
  crc32cOf,
  hashKvOf,
  historyOf,
  keyValue,
  liveKeys,
  pairsOf,
  revisionKey,
  statusHashOf,
} from './history.ts';

const plenty = historyOf(
  Array.from({ length: 300 }, (_, at) => [{ put: `key-${at % 200}`, value: 'v'.repeat(at) }]),
);

function inspect(
  pairs: readonly TestPair[],
  shape: Partial<TestBucket> = {},
  to?: TestFileOptions,
) {
  const file = writeBbolt({ ...clusterBuckets(), key: { pairs, ...shape } }, to);
  return inspectSnapshot(memorySource(file.bytes));
}

function put(main: bigint, sub: bigint, key: string, value: Buffer | string): TestPair {
  const fields = [
    [1, key],
    [2, main],
    [3, main],
    [4, 1n],
    [5, Buffer.from(value)],
  ] as const;
  return [revisionKey(main, sub), keyValue(fields)];
}

const contentHash = (pairs: readonly TestPair[]) =>
  crc32cOf(['key', ...pairs.flat()].map((part) => Buffer.from(part)));

describe('are read, counted and hashed', () => {
  test.each<[string, TestPair[], number]>([
    [
      'the row without a value that a revision bump leaves',
      [[revisionKey(1_000_000_002n, 0n), '']],
      1,
    ],
    ['revisions beyond 2^53', [put(2n ** 62n, 0n, 'k', 'v'), put(2n ** 62n + 1n, 0n, 'k', 'w')], 1],
    ['a sub beyond 2^32', [put(900n, 0n, 'k', 'v'), put(900n, 2n ** 33n, 'l', 'w')], 2],
    [
      'a tombstone of the same revision as a put',
      [put(900n, 0n, 'k', 'v'), [revisionKey(900n, 0n, true), keyValue([[1, 'k']])]],
      0,
    ],
    [
      'a user key of 100,000 bytes, twice',
      [put(900n, 0n, 'k'.repeat(100_000), 'v'), put(901n, 0n, 'k'.repeat(100_000), 'w')],
      1,
    ],
    [
      'user keys that differ only in length',
      [put(900n, 0n, 'k\0', 'v'), put(901n, 0n, 'k', 'w')],
      2,
    ],
    [
      'fields in another order',
      [
        [
          revisionKey(900n, 0n),
          keyValue([
            [3, 900n],
            [2, 900n],
            [4, 1n],
            [1, 'k'],
          ]),
        ],
      ],
      1,
    ],
    [
      'a field of the future',
      [
        [
          revisionKey(900n, 0n),
          keyValue([
            [1, 'k'],
            [3, 900n],
            [99, 'new'],
          ]),
        ],
      ],
      1,
    ],
    [
      'a value larger than a window',
      [
        put(900n, 0n, 'k', Buffer.alloc(3_000_000, 1)),
        put(901n, 0n, 'k', Buffer.alloc(2_500_000, 2)),
      ],
      1,
    ],
  ])('%s', (_, odd, live) => {
    const pairs = [...pairsOf(plenty), ...odd];

    const { facts, keyspace } = inspect(pairs);

    expect(facts.statusHash).toBe(statusHashOf({ ...clusterBuckets(), key: pairs }));
    expect(facts.keys).toBe(liveKeys(plenty) + live);
    const { currentRevision } = facts;
    const at = { revision: currentRevision, compactRevision: null };
    expect(hashKv(keyspace, at)).toBe(contentHash(pairs));
  });

  test('many rows on one page of many', () => {
    const rows = historyOf(
      Array.from({ length: 3000 }, (_, at) => [{ put: `k${at % 1000}`, value: 'v' }]),
    );

    const { facts, keyspace } = inspect(pairsOf(rows), { pairsPerLeaf: 2500 });

    expect(facts.keys).toBe(1000);
    const at = { revision: 2800n, compactRevision: 2600n };
    expect(hashKv(keyspace, at)).toBe(hashKvOf(rows, 2800n, 2600n));
  });

  test('a page of data with gaps between the rows', () => {
    const file = writeBbolt({ ...clusterBuckets(), key: { pairs: pairsOf(plenty) } });
    const page = file.leaves.key?.[0] as number;
    const rows = plenty.slice(0, 2).map(({ key, value }) => ({ key, value }));
    const image = leafPage(page, rows, 0);
    const rest = file.bytes.subarray(page * 4096, (page + 1) * 4096).fill(0);
    image.copy(rest);
    const { key, value } = rows[1] as (typeof rows)[number];
    rest.writeUInt32LE(2000, 32 + 4);
    Buffer.concat([key, value]).copy(rest, 32 + 2000);

    const { facts } = inspectSnapshot(memorySource(file.bytes));

    const first = plenty.findIndex((row) =>
      firstKeyOf(file.bytes, file.leaves.key?.[1]).equals(row.key),
    );
    const kept = [...plenty.slice(0, 2), ...plenty.slice(first)];
    expect(facts.statusHash).toBe(statusHashOf({ ...clusterBuckets(), key: pairsOf(kept) }));
    expect(facts.totalRows).toBe(kept.length + 6);
  });
});

function firstKeyOf(bytes: Buffer, page: number | undefined): Buffer {
  const element = (page as number) * 4096 + 16;
  const start = element + bytes.readUInt32LE(element + 4);
  return bytes.subarray(start, start + bytes.readUInt32LE(element + 8));
}

describe('are faults', () => {
  test.each<[string, TestPair, string]>([
    [
      'a KeyValue of another revision',
      [
        revisionKey(900n, 0n),
        keyValue([
          [1, 'k'],
          [3, 899n],
        ]),
      ],
      'the row of revision 900.0 holds a KeyValue of revision 899',
    ],
    [
      'a KeyValue without its revision',
      [revisionKey(900n, 0n), keyValue([[1, 'k']])],
      'the row of revision 900.0 holds a KeyValue of revision 0',
    ],
    [
      'a KeyValue that is cut',
      [revisionKey(900n, 0n), Buffer.of(0x0a, 9, 0x6b)],
      'the row of revision 900.0 holds no KeyValue',
    ],
    [
      'a KeyValue of endless fields',
      [revisionKey(900n, 0n), Buffer.alloc(200, 'h\0')],
      'the row of revision 900.0 holds no KeyValue',
    ],
    ['a key of 17 bytes that is no revision', [Buffer.alloc(17, 0xff), 'x'], 'is no revision'],
    ['a negative revision', [revisionKey(2n ** 63n, 0n), ''], 'is no revision'],
  ])('%s', (_, odd, reason) => {
    const act = () => inspect([...pairsOf(plenty), odd]);

    expect(act).toThrow(expect.objectContaining({ code: 'snapshot-corrupt' }));
    expect(act).toThrow(reason);
  });

  test.each([
    ['a bucket in a small bucket', 'meta'],
    ['a bucket in the keyspace', 'key'],
  ])('%s', (_, name) => {
    const file = writeBbolt({
      ...clusterBuckets(),
      key: { pairs: pairsOf(plenty), inline: false },
      meta: { pairs: [['a', 'x'.repeat(20)]], inline: false },
    });
    const page = file.leaves[name]?.[0] as number;
    file.bytes.writeUInt32LE(1, page * 4096 + 16);

    expect(() => inspectSnapshot(memorySource(file.bytes))).toThrow(
      name === 'key' ? 'is no revision' : 'holds another bucket, which etcd never writes',
    );
  });
});

describe('a free page', () => {
  test('that claims the whole file, again and again, costs one look each', () => {
    const { leaves } = writeBbolt({ key: { pairs: pairsOf(plenty) } });
    const claims = Array.from({ length: 3000 }, (_, at) => (page: number) => {
      const bytes = Buffer.alloc(4096);
      const rows = plenty.slice(0, 1).map(({ key, value }) => ({ key, value }));
      leafPage(page, rows, 3000 - at - 1).copy(bytes);
      return bytes;
    });

    const started = process.cpuUsage();
    const { facts } = inspect(pairsOf(plenty), {}, { freePages: claims });
    const { user } = process.cpuUsage(started);

    expect(facts.totalRows).toBe(plenty.length + 6);
    expect(leaves.key?.length).toBeGreaterThan(3);
    expect(user / 1e6).toBeLessThan(3);
  });
});
