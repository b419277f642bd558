import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyTable } from '../../../src/format/key-table.ts';
import { takenMark, tombstoneMark } from '../../../src/format/row-page.ts';

/** The two words of a key's fingerprint, as the log of rows has them. */
interface Fingerprint {
  readonly low: number;
  readonly high: number;
}

/** A key that belongs into this slot as long as `high` is 0. */
function keyAt(slot: number, high = 0, marks = takenMark): Fingerprint {
  return { low: ((slot << 2) | marks) >>> 0, high };
}

/** The same by a Map: keys by what is left of a fingerprint without its marks. */
class PlainTable {
  readonly #keys = new Map<string, Fingerprint>();

  get size(): number {
    return this.#keys.size;
  }

  get live(): number {
    return [...this.#keys.values()].filter(({ low }) => (low & tombstoneMark) === 0).length;
  }

  has(key: Fingerprint): boolean {
    return this.#keys.has(nameOf(key));
  }

  add(key: Fingerprint): boolean {
    if (this.has(key)) return true;
    this.#keys.set(nameOf(key), key);
    return false;
  }

  dropFrom(limit: number): void {
    for (const [name, { high }] of this.#keys) if (high >= limit) this.#keys.delete(name);
  }

  clear(): void {
    this.#keys.clear();
  }
}

function nameOf({ low, high }: Fingerprint): string {
  return `${low & ~tombstoneMark}/${high}`;
}

const room = 40;
/** Slots for that many keys. */
const slots = 64;

const marks = fc.constantFrom(takenMark, takenMark | tombstoneMark);
/** Crowded around the end of the slots, where the way goes on at the beginning. */
const crowded = fc.record({ slot: fc.integer({ min: slots - 6, max: slots + 4 }), marks });
const highs = fc.constantFrom(0, 1, 2, 3, 2 ** 31, 2 ** 32 - 1);
const fingerprints = fc.oneof(
  fc.tuple(crowded, highs).map(([place, high]) => keyAt(place.slot, high, place.marks)),
  fc
    .tuple(crowded, fc.nat(30))
    .map(([place, lap]) => keyAt(place.slot + lap * slots, 0, place.marks)),
  fc
    .tuple(fc.nat(2 ** 30 - 1), fc.nat(2 ** 32 - 1), marks)
    .map(([place, high, marked]) => keyAt(place, high, marked)),
);
const steps = fc.array(
  fc.oneof(
    { weight: 30, arbitrary: fingerprints.map((key) => ({ do: 'add' as const, key })) },
    { weight: 2, arbitrary: highs.map((limit) => ({ do: 'drop' as const, limit })) },
    { weight: 1, arbitrary: fc.constant({ do: 'clear' as const }) },
  ),
  { minLength: 1, maxLength: 150 },
);

describe('a table of keys', () => {
  test('holds what was added and not dropped, whatever came when', () => {
    const property = fc.property(steps, fc.array(fingerprints), (script, strangers) => {
      const table = new KeyTable(room);
      const plain = new PlainTable();
      const known: Fingerprint[] = [...strangers];
      for (const step of script) {
        if (step.do === 'clear') {
          table.clear();
          plain.clear();
        } else if (step.do === 'drop') {
          table.dropFrom(step.limit);
          plain.dropFrom(step.limit);
        } else if (!table.isFull) {
          known.push(step.key);
          expect(table.add(step.key.low, step.key.high)).toBe(plain.add(step.key));
        }
        expect([table.live, table.isFull]).toEqual([plain.live, plain.size >= room]);
      }

      const found = known.map(({ low, high }) => table.has(low, high));

      expect(found).toEqual(known.map((key) => plain.has(key)));
    });

    fc.assert(property, { numRuns: 600 });
  });

  test('keeps the first mark of a key: rows come newest first', () => {
    const table = new KeyTable(room);
    const [removed, put] = [keyAt(1, 0, takenMark | tombstoneMark), keyAt(1)];

    expect(table.add(removed.low, removed.high)).toBe(false);
    expect(table.add(put.low, put.high)).toBe(true);

    expect(table.live).toBe(0);
  });
});

describe('dropping keys', () => {
  /** As many keys as there is room for. Every second one is above the limit of 1. */
  function fullTable(slotOf: (index: number) => number) {
    const table = new KeyTable(room);
    const keys = Array.from({ length: room }, (_, index) => keyAt(slotOf(index), index % 2));
    for (const { low, high } of keys) table.add(low, high);
    expect(table.isFull).toBe(true);
    return { table, keys };
  }

  test.each<[string, (index: number) => number]>([
    ['spread over the slots', (index) => index * 7],
    ['all in one slot', (index) => index * slots],
    ['in the last slot and over the end', (index) => slots - 1 + index * slots],
    ['in one row over the end', (index) => slots - 20 + index],
  ])('leaves the others where they are found: %s', (_, slotOf) => {
    const { table, keys } = fullTable(slotOf);

    table.dropFrom(1);

    const left = keys.filter(({ high }) => high === 0);
    expect([table.live, table.isFull]).toEqual([left.length, false]);
    for (const key of keys) expect(table.has(key.low, key.high)).toBe(key.high === 0);
  });

  test('makes room: the table can be filled again', () => {
    const { table, keys } = fullTable((index) => slots - 1 + index * slots);
    table.dropFrom(1);
    const more = Array.from({ length: room / 2 }, (_, index) => keyAt(slots - 2, index + 10));

    const before = more.map(({ low, high }) => table.add(low, high));

    expect(before).toEqual(more.map(() => false));
    expect([table.isFull, table.live]).toEqual([true, room]);
    for (const { low, high } of more) expect(table.has(low, high)).toBe(true);
    for (const { low, high } of keys) expect(table.has(low, high)).toBe(high === 0);
  });

  test('changes nothing when no key is beyond the limit', () => {
    const { table, keys } = fullTable((index) => index * slots);

    table.dropFrom(2);

    expect([table.isFull, table.live]).toEqual([true, room]);
    for (const { low, high } of keys) expect(table.has(low, high)).toBe(true);
  });

  test('takes even the largest fingerprint', () => {
    const table = new KeyTable(1);
    table.add(0xffff_fffe, 0xffff_ffff);

    table.dropFrom(0xffff_ffff);

    expect([table.has(0xffff_fffe, 0xffff_ffff), table.live]).toEqual([false, 0]);
    expect(table.isFull).toBe(false);
  });
});
