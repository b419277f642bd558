/** Files of a known history, read in every way: what comes out must be what went in. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashKv } from '../../../src/format/hash-kv.ts';
import { inspectSnapshot } from '../../../src/format/inspect-snapshot.ts';
import {
  memorySource,
  type TestFileOptions,
  withTrailer,
  writeBbolt,
} from '../../support/bbolt.ts';
import { leafPage } from '../../support/bbolt-pages.ts';
import { clusterBuckets } from './cluster-bytes.ts';
import {
  type Change,
  compact,
  type HistoryRow,
  hashKvOf,
  historyOf,
  liveKeys,
  pairsOf,
  statusHashOf,
} from './history.ts';

const userKeys = fc.constantFrom('a', 'b', 'c', 'd/long/er', 'e', '\u{1f511}');
const changes: fc.Arbitrary<Change> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ put: userKeys, value: fc.string({ maxLength: 60 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ put: userKeys, value: fc.constant('x'.repeat(9000)) }),
  },
  { weight: 2, arbitrary: fc.record({ remove: userKeys }) },
);
const transaction = fc.uniqueArray(changes, {
  minLength: 1,
  maxLength: 4,
  selector: (change) => ('put' in change ? change.put : change.remove),
});

/** A history, a compaction that may be finished, and the layout of the file that holds it. */
const stores = fc.record({
  transactions: fc.array(transaction, { maxLength: 60 }),
  compaction: fc.option(
    fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), done: fc.boolean() }),
  ),
  pageSize: fc.constantFrom(512, 4096, 16_384, 65_536),
  shuffleSeed: fc.integer({ min: 1, max: 1_000_000 }),
  inline: fc.constantFrom(true, false, undefined),
  storedFreelist: fc.boolean(),
  spareOverflow: fc.boolean(),
  branchAtRoot: fc.boolean(),
  limits: fc.constantFrom({}, { rowLimit: 0, keyLimit: 1 }, { keyLimit: 2, windowBytes: 1 }),
});

/** Free pages are the worst they can be: whole older copies of what is live. */
function stale(rows: readonly HistoryRow[], pageSize: number, overflow: number) {
  const entries = rows
    .slice(0, 3)
    .map(({ key, value }) => ({ key, value: value.subarray(0, 100) }));
  return (page: number) => {
    const bytes = Buffer.alloc(pageSize * (overflow + 1), 0xa5);
    leafPage(page, entries, overflow).copy(bytes);
    return bytes;
  };
}

test('every store is read as what it is, and hashed as etcd hashes it', () => {
  const property = fc.property(stores, (store) => {
    const all = historyOf(store.transactions);
    const newest = BigInt(store.transactions.length + 1);
    const { compaction } = store;
    const mark = compaction ? BigInt(Math.floor(compaction.share * Number(newest))) : null;
    const rows = mark !== null && compaction?.done ? compact(all, mark) : all;
    const buckets = {
      ...clusterBuckets(mark === null ? {} : { scheduled: mark }),
      key: pairsOf(rows),
    };
    const free = [0, 2, 1].map((overflow) => stale(rows, store.pageSize, overflow));
    const { key, ...rest } = buckets;
    const inline = store.inline === undefined ? {} : { inline: store.inline };
    const options: TestFileOptions = { ...store, freePages: free };
    const { bytes } = writeBbolt({ ...rest, key: { pairs: key, ...inline } }, options);

    const source = memorySource(withTrailer(bytes));
    const { facts, keyspace } = inspectSnapshot(source, store.limits);

    const lastMain = rows.at(-1)?.main ?? 0n;
    expect(facts).toMatchObject({
      pageSize: store.pageSize,
      statusHash: statusHashOf(buckets),
      totalRows: Object.values(buckets).flat().length,
      keys: liveKeys(rows),
      revision: lastMain,
      currentRevision: [1n, lastMain, mark ?? 0n].reduce((a, b) => (a > b ? a : b)),
      compactRevision: mark,
    });
    for (let at = mark ?? 1n; at <= facts.currentRevision; at++) {
      for (const compactRevision of new Set([mark, at, (at + (mark ?? at)) / 2n])) {
        if (compactRevision === null && mark !== null) continue;
        expect(hashKv(keyspace, { revision: at, compactRevision })).toBe(
          hashKvOf(rows, at, compactRevision),
        );
      }
    }
  });

  fc.assert(property, { numRuns: 150 });
});

describe('the memory limits', () => {
  const transactions: Change[][] = Array.from({ length: 3000 }, (_, at) => [
    at % 7 === 3
      ? { remove: `key-${(at * 31) % 900}` }
      : { put: `key-${(at * 31) % 900}`, value: 'v'.repeat(at % 50) },
  ]);
  const rows = historyOf(transactions);
  const { bytes } = writeBbolt({ ...clusterBuckets(), key: pairsOf(rows) }, { shuffleSeed: 5 });

  test.each([
    { rowLimit: 0 },
    { keyLimit: 1 },
    { keyLimit: 100 },
    { rowLimit: 0, keyLimit: 77 },
    { windowBytes: 65_536 },
  ])('change nothing in the result: %o', (limits) => {
    const { facts, keyspace } = inspectSnapshot(memorySource(bytes), limits);

    expect(facts.keys).toBe(liveKeys(rows));
    expect(hashKv(keyspace, { revision: 2000n, compactRevision: 1500n })).toBe(
      hashKvOf(rows, 2000n, 1500n),
    );
  });
});
