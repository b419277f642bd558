/** The live keys of a file against the shortest code that can be right. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { type StoredKey, StoredKeys } from '../../../src/format/stored-keys.ts';
import {
  memorySource,
  type TestFileOptions,
  type TestPair,
  writeBbolt,
} from '../../support/bbolt.ts';
import { keyValue, revisionKey } from './history.ts';

interface Change {
  readonly name: Buffer;
  /** Undefined: removed. */
  readonly value: Buffer | undefined;
  readonly lease: bigint;
}

interface Live extends Omit<StoredKey, 'valueStart' | 'valueBytes'> {
  readonly value: Uint8Array;
}

const names = [
  '00',
  '00ff',
  '61',
  '612f',
  '612f62',
  '612f62'.repeat(40),
  '61c3a9',
  '62',
  'fe',
  'ff',
  'ff00',
  'ffff',
].map((hex) => Buffer.from(hex, 'hex'));
const prefixes = ['', '61', '612f', '63', 'ff', 'ffff', 'ffffff', 'fe'].map((hex) =>
  Buffer.from(hex, 'hex'),
);

/** The rows of a file and what they say is alive, one change for each revision. */
function written(changes: readonly Change[]): { pairs: TestPair[]; live: Live[] } {
  const alive = new Map<string, Live>();
  const pairs = changes.map(({ name, value, lease }, at): TestPair => {
    const main = BigInt(at + 2);
    const id = name.toString('hex');
    if (value === undefined) {
      alive.delete(id);
      return [revisionKey(main, 0n, true), keyValue([[1, name]])];
    }
    const { createRevision = main, version = 0n } = alive.get(id) ?? {};
    const facts = { createRevision, modRevision: main, version: version + 1n, lease };
    alive.set(id, { key: name, value, ...facts });
    const fields = [
      [1, name],
      [2, createRevision],
      [3, main],
      [4, version + 1n],
    ] as const;
    return [revisionKey(main, 0n), keyValue([...fields, [5, value], [6, lease]])];
  });
  const live = [...alive.values()].sort((a, b) => Buffer.compare(a.key, b.key));
  return { pairs, live };
}

function open(pairs: readonly TestPair[], options: TestFileOptions, roomBytes?: number) {
  const { bytes, leaves } = writeBbolt({ key: { pairs, inline: false }, meta: [] }, options);
  return {
    stored: new StoredKeys(memorySource(bytes), bytes.length, roomBytes),
    leaves: leaves['key']?.length ?? 0,
  };
}

function read(stored: StoredKeys, prefix: Uint8Array): { found: Live[]; steps: number } {
  const found: Live[] = [];
  let steps = 0;
  for (const each of stored.below(prefix)) {
    if (each === undefined) {
      steps += 1;
      continue;
    }
    const { valueStart: _, valueBytes, ...facts } = each;
    const value = stored.valueOf(each);
    expect(value).toHaveLength(valueBytes);
    found.push({ ...facts, key: Buffer.from(each.key), value: Buffer.from(value) });
  }
  return { found, steps };
}

function put(name: string, value = 'x'): Change {
  return { name: Buffer.from(name), value: Buffer.from(value), lease: 0n };
}

describe('the live keys below a prefix', () => {
  test('are the newest rows that are no tombstones, in order, whatever room there is', () => {
    const changes = fc.array(
      fc.record({
        name: fc.constantFrom(...names),
        value: fc.oneof(
          fc.constant(undefined),
          fc.integer({ min: 0, max: 9000 }).map((bytes) => Buffer.alloc(bytes, bytes)),
        ),
        lease: fc.constantFrom(0n, 1n, 2n ** 63n - 1n),
      }),
      { maxLength: 60 },
    );
    const rooms = fc.constantFrom(1, 150, 400, 1000, 2 ** 20);
    const pageSizes = fc.constantFrom(512, 4096);
    fc.assert(
      fc.property(changes, fc.constantFrom(...prefixes), rooms, pageSizes, (...made) => {
        const [history, prefix, room, pageSize] = made;
        const { pairs, live } = written(history);

        const { found } = read(open(pairs, { pageSize }, room).stored, prefix);

        const begins = ({ key }: Live): boolean =>
          Buffer.compare(key.subarray(0, prefix.length), prefix) === 0;
        expect(found).toEqual(live.filter(begins));
      }),
      { numRuns: 300 },
    );
  });

  test('are found behind a window whose keys were all removed again', () => {
    const gone = (name: string): Change => ({ ...put(name), value: undefined });
    const { pairs, live } = written([put('a'), put('b'), put('c'), put('d'), gone('a'), gone('b')]);

    expect(read(open(pairs, {}, 250).stored, Buffer.of()).found).toEqual(live);
    expect(live).toHaveLength(2);
  });

  test('are read in as many passes as there is too little room', () => {
    const { pairs, live } = written(Array.from({ length: 200 }, (_, at) => put(`k${at % 100}`)));
    const roomy = open(pairs, { pageSize: 512 });
    const narrow = open(pairs, { pageSize: 512 }, 20 * 103);

    const [once, often] = [roomy, narrow].map(({ stored }) => read(stored, Buffer.of()));

    expect([once?.found, often?.found]).toEqual([live, live]);
    expect(once?.steps).toBe(roomy.leaves);
    const passes = (often?.steps ?? 0) / narrow.leaves;
    expect(passes).toBeGreaterThanOrEqual(5);
    expect(passes).toBeLessThanOrEqual(10);
  });

  test('can have values over many pages and beyond what is seen at once', () => {
    const large = 'large '.repeat(500_000);
    const { pairs, live } = written([put('a', large), put('b', 'small'), put('c', large)]);

    const { found } = read(open(pairs, {}).stored, Buffer.of());

    // Not toEqual: it would look at millions of bytes one by one.
    const isSame = (each: Live, at: number): boolean =>
      Buffer.compare(each.value, live[at]?.value ?? Buffer.of()) === 0;
    expect(found.map(({ key }) => String(key))).toEqual(['a', 'b', 'c']);
    expect(found.map(isSame)).toEqual([true, true, true]);
  });

  test('are none where the database has none', () => {
    expect(read(open([], {}).stored, Buffer.of()).found).toEqual([]);
    const { bytes } = writeBbolt({ meta: [] });
    expect(read(new StoredKeys(memorySource(bytes), bytes.length), Buffer.of()).found).toEqual([]);
  });

  test('lie in a bucket so small that it has no page of its own', () => {
    const { pairs, live } = written([put('a'), put('b')]);
    const { bytes } = writeBbolt({ key: { pairs, inline: true } });

    const stored = new StoredKeys(memorySource(bytes), bytes.length);

    expect(read(stored, Buffer.of()).found).toEqual(live);
  });
});

describe('a row that is none', () => {
  test.each([
    ['no revision', [Buffer.from('short'), keyValue([[1, 'a']])]],
    ['no KeyValue', [revisionKey(2n, 0n), Buffer.of(0x0a, 0x7f)]],
  ] as [string, TestPair][])('ends the reading: %s', (_, pair) => {
    const { stored } = open([pair], {});

    expect(() => read(stored, Buffer.of())).toThrow(Failure);
    expect(() => read(stored, Buffer.of())).toThrow(/the row at byte \d+ h(as|olds) no/);
  });
});
