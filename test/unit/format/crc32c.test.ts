import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Crc32cJoin, crc32c } from '../../../src/format/crc32c.ts';
import { crc32cOf } from './history.ts';

test('is CRC-32C: the check value of the standard', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe306_9283);
});

test('a sum goes on where another ended', () => {
  expect(crc32c(Buffer.from('6789'), crc32c(Buffer.from('12345')))).toBe(0xe306_9283);
});

test('joined sums of the parts are the sum of the whole', () => {
  const crcs = new Crc32cJoin();

  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (a, b) => {
      expect(crcs.join(crc32c(a), crc32c(b), b.length)).toBe(crc32cOf([a, b]));
    }),
  );
});

test.each([0, 1, 65_535, 65_536, 65_537, 1_000_003])('joins a right part of %i bytes', (length) => {
  const right = Buffer.alloc(length, 0x5a);
  const left = Buffer.from('left');

  const joined = new Crc32cJoin().join(crc32c(left), crc32c(right), length);

  expect(joined).toBe(crc32c(Buffer.concat([left, right])));
});

test('joins a right part beyond 4 GiB', () => {
  const crcs = new Crc32cJoin();
  const piece = crc32c(Buffer.alloc(2 ** 24));
  const appended = (left: number) =>
    Array.from({ length: 257 }).reduce((sum: number) => crcs.join(sum, piece, 2 ** 24), left);
  const left = crc32c(Buffer.from('left'));

  expect(crcs.join(left, appended(0), 257 * 2 ** 24)).toBe(appended(left));
});
