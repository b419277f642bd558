import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { hashKv } from '../../../src/format/hash-kv.ts';
import { inspectSnapshot } from '../../../src/format/inspect-snapshot.ts';
import { snapshotLayout } from '../../../src/format/snapshot-file.ts';
import { SnapshotScan } from '../../../src/format/snapshot-scan.ts';
import { memorySource, withTrailer } from '../../support/bbolt.ts';
import { type MadeOptions, makeDatabase } from './made-file.ts';
import { sealMeta, viewOf } from './made-pages.ts';
import { bucketsOf, type MadeRow, slowHashKv, slowKeys, slowStatusHash } from './slow-hashes.ts';

/** Revisions are dense from 2 on; a transaction changes each key once. */
const histories = fc
  .array(
    fc.uniqueArray(
      fc.record({
        name: fc.integer({ min: 0, max: 11 }),
        bytes: fc.oneof(
          { weight: 1, arbitrary: fc.constant(-1) },
          { weight: 3, arbitrary: fc.integer({ min: 0, max: 300 }) },
          { weight: 1, arbitrary: fc.integer({ min: 0, max: 9000 }) },
        ),
      }),
      { selector: ({ name }) => name, minLength: 1, maxLength: 4 },
    ),
    { maxLength: 60 },
  )
  .map((transactions) =>
    transactions.flatMap((changes, at) =>
      changes.map(({ name, bytes }, sub): MadeRow => {
        const value = bytes < 0 ? undefined : Buffer.alloc(bytes, at);
        return { main: at + 2, sub, key: `key/${name}`, value };
      }),
    ),
  );

const layouts: fc.Arbitrary<Omit<MadeOptions, 'buckets'>> = fc.record({
  pageSize: fc.constantFrom(512, 1024, 4096, 16_384, 65_536),
  fanout: fc.integer({ min: 2, max: 20 }),
  garbage: fc.boolean(),
  freelist: fc.boolean(),
});

const limits = fc.record({
  rowLimit: fc.constantFrom(0, 1, 70_000),
  keyLimit: fc.integer({ min: 1, max: 20 }),
  windowBytes: fc.constantFrom(1, 100_000, 1_000_000),
});

describe('made databases', () => {
  test('have the hashes and counts of the slow way, whatever their layout', () => {
    fc.assert(
      fc.property(histories, layouts, limits, fc.nat(), fc.nat(), (rows, layout, bounds, a, b) => {
        const buckets = bucketsOf(rows);
        const { bytes } = makeDatabase({ ...layout, buckets });
        const { facts, keyspace } = inspectSnapshot(memorySource(bytes), bounds);
        const last = rows.at(-1)?.main ?? 0;
        expect(facts.statusHash).toBe(slowStatusHash(buckets));
        expect(facts.keys).toBe(slowKeys(rows));
        expect(facts.revision).toBe(BigInt(last));
        expect(facts.totalRows).toBe(rows.length + 2);
        const current = Math.max(last, 1);
        const revision = 1 + (a % current);
        const compact = 1 + (b % revision);
        const at = { revision: BigInt(revision), compactRevision: BigInt(compact) };
        expect(hashKv(keyspace, at)).toBe(slowHashKv(rows, { revision, compact }));
        const never = { ...at, compactRevision: null };
        expect(hashKv(keyspace, never)).toBe(slowHashKv(rows, { revision, compact: -1 }));
      }),
      { numRuns: 150 },
    );
  });

  test('read the same in any steps', () => {
    fc.assert(
      fc.property(histories, fc.array(fc.nat(400_000)), layouts, (rows, steps, layout) => {
        const { bytes } = makeDatabase({ ...layout, buckets: bucketsOf(rows, 1) });
        const file = withTrailer(bytes);
        const scan = new SnapshotScan(memorySource(file));
        let offset = 0;
        for (const step of steps) {
          offset = Math.min(file.length, offset + step);
          scan.advance(offset);
          expect(scan.scannedBytes).toBeLessThanOrEqual(Math.min(offset, bytes.length));
        }
        const stepped = scan.finish(snapshotLayout(file.length));
        const whole = inspectSnapshot(memorySource(file));
        expect(stepped.facts).toEqual(whole.facts);
        const sha = (of: Uint8Array) => createHash('sha256').update(of).digest('hex');
        expect(stepped.digests).toEqual({
          databaseSha256: sha(bytes),
          fileSha256: sha(file),
          trailer: 'matches',
        });
      }),
      { numRuns: 50 },
    );
  });
});

const someRows: MadeRow[] = Array.from({ length: 400 }, (_, at) => ({
  main: at + 2,
  sub: 0,
  key: `k${at % 90}`,
  value: at % 7 === 3 ? undefined : Buffer.alloc((at * 37) % 500, at),
}));

function someDatabase(options: Partial<MadeOptions> = {}) {
  return makeDatabase({ buckets: bucketsOf(someRows), fanout: 5, garbage: true, ...options });
}

describe('trailer', () => {
  test('a wrong one is told by digests, and refused by finish', () => {
    const file = withTrailer(someDatabase().bytes);
    file[5000] = (file[5000] as number) ^ 1;
    const scan = new SnapshotScan(memorySource(file));
    const layout = snapshotLayout(file.length);
    expect(scan.digests(layout).trailer).toBe('differs');
    expect(() => scan.finish(layout)).toThrow('the SHA-256 at the end of the file is not that');
  });

  test('a missing one is told, and no fault', () => {
    const { bytes } = someDatabase();
    expect(inspectSnapshot(memorySource(bytes)).digests.trailer).toBe('absent');
  });
});

test('one damaged meta page is survived, whichever', () => {
  for (const pageSize of [4096, 16_384]) {
    const { bytes } = someDatabase({ pageSize });
    const sound = inspectSnapshot(memorySource(bytes)).facts;
    for (const page of [0, 1]) {
      const damaged = bytes.slice();
      damaged.fill(0, page * pageSize, page * pageSize + 100);
      const { facts } = inspectSnapshot(memorySource(damaged));
      expect({ ...facts, txid: sound.txid }).toEqual(sound);
    }
  }
});

test('of two sound meta pages, the one of the later transaction counts', () => {
  for (const later of [0, 1]) {
    const { bytes } = someDatabase();
    const view = viewOf(bytes);
    const [good, bad] = later === 0 ? [0, 4096] : [4096, 0];
    view.setBigUint64(good + 64, 100n, true);
    // The earlier one leads to a page that is none.
    view.setBigUint64(bad + 32, 2n, true);
    for (const start of [good, bad]) sealMeta(bytes, start);
    expect(inspectSnapshot(memorySource(bytes)).facts.txid).toBe(100n);
  }
});

test('without a live key, only the tombstones of the compaction itself are skipped', () => {
  const value = Buffer.from('v');
  const rows: MadeRow[] = [
    { main: 2, sub: 0, key: 'a', value },
    { main: 3, sub: 0, key: 'b', value },
    { main: 4, sub: 0, key: 'a', value: undefined },
    { main: 5, sub: 0, key: 'b', value: undefined },
    { main: 5, sub: 1, key: 'a', value: undefined },
    { main: 6, sub: 0, key: 'a', value },
  ];
  const { bytes } = makeDatabase({ buckets: bucketsOf(rows) });
  const { keyspace } = inspectSnapshot(memorySource(bytes));
  for (let revision = 2; revision <= 6; revision++) {
    for (let compact = 1; compact <= revision; compact++) {
      const at = { revision: BigInt(revision), compactRevision: BigInt(compact) };
      expect(hashKv(keyspace, at)).toBe(slowHashKv(rows, { revision, compact }));
    }
  }
});

test('a file longer than its database is read up to the high-water mark', () => {
  const { bytes } = someDatabase();
  const longer = Buffer.concat([bytes, Buffer.alloc(40_960, 0xee)]);
  const facts = inspectSnapshot(memorySource(longer)).facts;
  expect(facts).toEqual(inspectSnapshot(memorySource(bytes)).facts);
  expect(() => inspectSnapshot(memorySource(withTrailer(longer)))).toThrow('its meta counts');
});

test('a hash outside what the file knows is refused', () => {
  const { bytes } = makeDatabase({ buckets: bucketsOf(someRows, 50) });
  const { keyspace, facts } = inspectSnapshot(memorySource(bytes));
  expect(facts).toMatchObject({ compactRevision: 50n, currentRevision: 401n, revision: 401n });
  const refused = [
    [402n, 50n],
    [60n, 61n],
    [100n, 49n],
    [100n, null],
  ] as const;
  for (const [revision, compactRevision] of refused) {
    expect(() => hashKv(keyspace, { revision, compactRevision })).toThrow(
      expect.objectContaining({ code: 'revision-unavailable' }) as Failure,
    );
  }
});

test('errors of the source pass through', () => {
  const broken = {
    sizeBytes: 8192,
    read(): number {
      throw new Error('EIO: i/o error');
    },
  };
  expect(() => inspectSnapshot(broken)).toThrow('EIO');
  expect(() => inspectSnapshot(broken)).not.toThrow(Failure);
});
