import { expect, test } from 'vitest';
import { DatabaseReader } from '../../../src/format/database-reader.ts';
import { memorySource } from '../../support/bbolt.ts';
import { crc32cOf } from './history.ts';

const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => (at * 31) % 251));

test('bytes are what lies there, whatever was read before', () => {
  const reader = new DatabaseReader(memorySource(bytes), bytes.length);

  for (const at of [0, 2_999_990, 5, 1_500_000, 10, 2_999_980]) {
    expect(Buffer.from(reader.bytes(at, 10))).toEqual(bytes.subarray(at, at + 10));
  }
});

test('two places are seen at once without further reads', () => {
  const source = memorySource(bytes);
  const reader = new DatabaseReader(source, bytes.length);
  reader.load(0, 4096);
  reader.load(2_000_000, 4096);

  for (let at = 0; at < 4000; at += 100) {
    reader.bytes(at, 96);
    reader.bytes(2_000_000 + at, 96);
  }

  expect(source.reads()).toBe(2);
});

test('a sum may be over more than is seen at once', () => {
  const reader = new DatabaseReader(memorySource(bytes), bytes.length);

  expect(reader.crc(100, 2_500_000, 0)).toBe(crc32cOf([bytes.subarray(100, 2_500_100)]));
});

test.each([
  [2_999_999, 2],
  [3_000_000, 1],
  [2 ** 52, 16],
])('bytes from %i on are beyond the database', (position, length) => {
  const reader = new DatabaseReader(memorySource(bytes), bytes.length);

  expect(() => reader.bytes(position, length)).toThrow(
    expect.objectContaining({ code: 'snapshot-corrupt' }),
  );
});
