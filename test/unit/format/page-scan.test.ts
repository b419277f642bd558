/** What the first pass takes for a leaf of rows, and what it leaves alone. */
import { describe, expect, test } from 'vitest';
import { PageScan } from '../../../src/format/page-scan.ts';
import { leafPage } from '../../support/bbolt-pages.ts';
import { historyOf, keyValue, revisionKey } from './history.ts';

const pageSize = 4096;
const rows = historyOf([[{ put: 'a', value: 'x' }], [{ put: 'b', value: 'y' }]]);
const large = historyOf([[{ put: 'a', value: 'x'.repeat(3 * pageSize) }]]);

/** Pages 0 and 1 are metas; `place` puts an image at a page. */
function scanOf(pages: number, place: (put: (page: number, image: Buffer) => void) => void) {
  const bytes = new Uint8Array(pages * pageSize);
  place((page, image) => bytes.set(image, page * pageSize));
  const scan = new PageScan({ pageSize, pageCount: pages }, 1000);
  const wanted = scan.take({ bytes, view: new DataView(bytes.buffer) }, 0, bytes.length);
  expect(wanted).toBe(bytes.length);
  return scan.facts;
}

describe('the first pass', () => {
  test('sums up every leaf of rows, reachable or not', () => {
    const facts = scanOf(5, (put) => {
      put(2, leafPage(2, rows, 0));
      put(4, leafPage(4, rows, 0));
    });

    expect([2, 3, 4].map((page) => facts.rows(page))).toEqual([2, 0, 2]);
  });

  test('sums up a leaf that lies over several pages', () => {
    const facts = scanOf(6, (put) => put(2, leafPage(2, large, 3)));

    expect(facts.rows(2)).toBe(1);
    expect(facts.overflow(2, pageSize)).toBe(3);
  });

  test('leaves a page alone that calls itself another', () => {
    const facts = scanOf(4, (put) => put(2, leafPage(3, rows, 0)));

    expect(facts.rows(2)).toBe(0);
  });

  test('is not held up by a page that claims to reach past the end', () => {
    const facts = scanOf(4, (put) => {
      put(2, leafPage(2, rows, 2));
      put(3, leafPage(3, rows, 0));
    });

    expect([2, 3].map((page) => facts.rows(page))).toEqual([0, 2]);
  });

  test('looks once at pages that several claim', () => {
    const facts = scanOf(9, (put) => {
      put(2, leafPage(2, large, 3));
      put(3, leafPage(3, rows, 1));
      put(5, leafPage(5, rows, 0));
      put(6, leafPage(6, rows, 1));
    });

    // A single page costs little and is judged; page 6 lies behind the claim of page 2.
    expect([2, 3, 5, 6].map((page) => facts.rows(page))).toEqual([1, 0, 2, 2]);
  });
});

describe('a page is left to the exact way', () => {
  const sound = { key: revisionKey(5n, 0n), value: keyValue(fieldsOf(5n, 'k')) };

  function fieldsOf(main: bigint, key: string): [number, string | bigint][] {
    return [
      [1, key],
      [2, 4n],
      [3, main],
      [4, 2n],
      [5, 'value'],
      [6, 77n],
    ];
  }

  function judged(entries: readonly { key: Buffer; value: Buffer }[], edit?: (p: Buffer) => void) {
    const page = leafPage(2, entries, 0);
    edit?.(page);
    return scanOf(60, (put) => put(2, page)).rows(2);
  }

  const changed = (at: number, byte: number, of: Buffer) => {
    const bytes = Buffer.from(of);
    bytes[at < 0 ? bytes.length + at : at] = byte;
    return bytes;
  };

  test('but not when it is sound', () => {
    expect(judged([sound])).toBe(1);
    const next = { key: revisionKey(5n, 1n, true), value: keyValue([[1, 'k']]) };
    expect(judged([sound, next])).toBe(2);
    const bare = { key: revisionKey(6n, 0n), value: keyValue(fieldsOf(6n, 'k').slice(0, 4)) };
    expect(judged([sound, next, bare])).toBe(3);
    const long = { ...sound, value: keyValue(fieldsOf(5n, 'k'.repeat(2000))) };
    expect(judged([long])).toBe(1);
  });

  const { key, value } = sound;
  test.each<[string, Buffer, Buffer]>([
    ['the key is too short', key.subarray(0, 16), value],
    ['the key is too long', Buffer.concat([key, Buffer.from('tt')]), value],
    ['the separator is another', changed(8, 0x2d, key), value],
    [
      'the mark of the tombstone is another',
      Buffer.concat([key, Buffer.from('x')]),
      keyValue([[1, 'k']]),
    ],
    ['main is beyond 2^53', revisionKey(2n ** 53n + 5n, 0n), value],
    ['sub is beyond 2^32', revisionKey(5n, 2n ** 32n), value],
    ['there is no value', key, Buffer.alloc(0)],
    ['the value has no user key', key, keyValue(fieldsOf(5n, '').slice(1))],
    [
      'the user key is empty',
      key,
      Buffer.concat([Buffer.of(0x0a, 0), keyValue(fieldsOf(5n, '').slice(1))]),
    ],
    ['the user key reaches past the value', key, changed(1, 100, value)],
    ['a tombstone has more than its key', Buffer.concat([key, Buffer.from('t')]), value],
    ['the create revision is missing', key, keyValue(fieldsOf(5n, 'k').toSpliced(1, 1))],
    ['the revision is missing', key, keyValue(fieldsOf(5n, 'k').toSpliced(2, 1))],
    ['the revision is another', key, keyValue(fieldsOf(6n, 'k'))],
    ['the version is missing', key, keyValue(fieldsOf(5n, 'k').toSpliced(3, 1))],
    ['something follows the last field', key, Buffer.concat([value, Buffer.of(0)])],
    ['the last field is cut', key, value.subarray(0, -1)],
    ['a number does not end', key, changed(-1, 0xff, value)],
  ])('when %s', (_, badKey, badValue) => {
    expect(judged([{ key: badKey, value: badValue }])).toBe(0);
  });

  test.each<[string, (page: Buffer) => void]>([
    ['a value is a bucket', (page) => page.writeUInt32LE(1, 16)],
    ['there is a gap before the data', (page) => page.writeUInt32LE(17, 16 + 4)],
    ['it has no rows', (page) => page.writeUInt16LE(0, 10)],
    ['it has more rows than room', (page) => page.writeUInt16LE(300, 10)],
    ['it is no leaf', (page) => page.writeUInt16LE(3, 8)],
    ['it has two pages too many', (page) => page.writeUInt32LE(2, 12)],
  ])('when %s', (_, edit) => {
    expect(judged([sound], edit)).toBe(0);
  });

  test.each<[string, bigint, bigint]>([
    ['older', 4n, 0n],
    ['the same', 5n, 1n],
    ['an older change of the same transaction', 5n, 0n],
  ])('when the second row is %s', (_, main, sub) => {
    const first = { key: revisionKey(5n, 1n), value };
    const second = { key: revisionKey(main, sub), value: keyValue(fieldsOf(main, 'k')) };

    expect(judged([first, second])).toBe(0);
  });

  test('when a row reaches over the end of the page', () => {
    const reaching = { key, value: keyValue(fieldsOf(5n, 'k').with(4, [5, 'v'.repeat(5000)])) };

    expect(judged([reaching])).toBe(0);
    expect(judged([reaching], (page) => page.writeUInt32LE(1, 12))).toBe(1);
  });

  test('when a user key is as long as only the exact way can take it', () => {
    const long = (bytes: number) => ({ key, value: keyValue(fieldsOf(5n, 'k'.repeat(bytes))) });
    const overflow = (page: Buffer) => page.writeUInt32LE(16, 12);

    expect(judged([long(65_536)], overflow)).toBe(1);
    expect(judged([long(65_537)], overflow)).toBe(0);
  });
});
