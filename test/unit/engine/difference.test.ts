import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rangeBelow } from '../../../src/engine/difference.ts';

describe('the range below a prefix', () => {
  test.each([
    ['61', '61', '62'],
    ['6162', '6162', '6163'],
    ['61ff', '61ff', '62'],
    ['61ffff', '61ffff', '62'],
    ['00', '00', '01'],
    ['fe', 'fe', 'ff'],
    ['ff', 'ff', '00'],
    ['ffff', 'ffff', '00'],
    ['', '00', '00'],
  ])('of %s goes from %s up to %s', (prefix, from, end) => {
    const range = rangeBelow(Buffer.from(prefix, 'hex'));

    expect(Buffer.from(range.from).toString('hex')).toBe(from);
    expect(Buffer.from(range.end).toString('hex')).toBe(end);
  });

  test('holds exactly the keys that begin with it', () => {
    const byte = fc.constantFrom(0, 1, 0x61, 0xfe, 0xff);
    const bytes = (minLength: number) =>
      fc.array(byte, { minLength, maxLength: 4 }).map((each) => Buffer.from(each));
    fc.assert(
      fc.property(bytes(0), bytes(1), (prefix, key) => {
        const { from, end } = rangeBelow(prefix);

        const isOpen = Buffer.compare(end, Buffer.of(0)) === 0;
        const isIn = Buffer.compare(key, from) >= 0 && (isOpen || Buffer.compare(key, end) < 0);
        expect(isIn).toBe(key.subarray(0, prefix.length).equals(prefix));
      }),
      { numRuns: 2000 },
    );
  });
});
