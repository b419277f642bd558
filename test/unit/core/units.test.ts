import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatBytes, formatDuration, parseDuration, parseSize } from '../../../src/core/units.ts';

describe('a duration', () => {
  test.each([
    ['250ms', 250],
    ['90s', 90_000],
    ['15m', 900_000],
    ['36h', 129_600_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['1h30m', 5_400_000],
    ['1h 30m', 5_400_000],
    ['1.5s', 1_500],
    ['0', 0],
    ['0s', 0],
  ])('%s is %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    ['5', 'a duration needs a unit: ms, s, m, h, d or w'],
    ['', 'a duration is numbers, each with its unit: ms, s, m, h, d or w'],
    ['5x', 'a duration is numbers, each with its unit: ms, s, m, h, d or w'],
    ['-5s', 'a duration is numbers, each with its unit: ms, s, m, h, d or w'],
    ['1h30', 'a duration is numbers, each with its unit: ms, s, m, h, d or w'],
    ['5m ', 'a duration is numbers, each with its unit: ms, s, m, h, d or w'],
    ['5M', 'a duration is numbers, each with its unit: ms, s, m, h, d or w'],
    ['5m1h', 'the units of a duration go from large to small'],
    ['5m5m', 'the units of a duration go from large to small'],
    ['9999999999999999w', 'the duration is too large to be counted exactly'],
  ])('%j is refused with its reason', (text, reason) => {
    expect(() => parseDuration(text)).toThrow(
      expect.objectContaining({ code: 'config-invalid', message: reason }),
    );
  });

  test.each([
    [0, '0s'],
    [850, '850ms'],
    [1_000, '1s'],
    [12_340, '12.3s'],
    [59_960, '1m'],
    [312_000, '5m 12s'],
    [3_599_600, '1h'],
    [5_400_000, '1h 30m'],
    [183_600_000, '2d 3h'],
    [86_399_999, '1d'],
    [-1_500, '-1.5s'],
  ])('of %i ms reads %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test('that was printed is read back to what was printed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), (ms) => {
        const printed = formatDuration(ms);
        expect(formatDuration(parseDuration(printed))).toBe(printed);
      }),
    );
  });
});

describe('a size', () => {
  test.each([
    ['1048576', 1_048_576],
    ['512B', 512],
    ['64MiB', 67_108_864],
    ['1GiB', 1_073_741_824],
    ['1.5GiB', 1_610_612_736],
    ['2 TiB', 2_199_023_255_552],
    ['500MB', 500_000_000],
    ['3kB', 3_000],
    ['0', 0],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each([
    ['64M', 'M is not a unit of size: write KiB, MiB, GiB, TiB, kB, MB, GB or TB'],
    ['64Mi', 'Mi is not a unit of size: write KiB, MiB, GiB, TiB, kB, MB, GB or TB'],
    ['64mib', 'mib is not a unit of size: write KiB, MiB, GiB, TiB, kB, MB, GB or TB'],
    ['GiB', 'a size is a number of bytes, or a number with KiB, MiB, GiB, TiB, kB, MB, GB, TB'],
    ['-1', 'a size is a number of bytes, or a number with KiB, MiB, GiB, TiB, kB, MB, GB, TB'],
    ['9999999999TiB', 'the size is too large to be counted exactly'],
    [
      '5constructor',
      'constructor is not a unit of size: write KiB, MiB, GiB, TiB, kB, MB, GB or TB',
    ],
  ])('%j is refused with its reason', (text, reason) => {
    expect(() => parseSize(text)).toThrow(
      expect.objectContaining({ code: 'config-invalid', message: reason }),
    );
  });

  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1_048_575, '1 MiB'],
    [1_610_612_736, '1.5 GiB'],
    [2 ** 53, '8 PiB'],
  ])('of %i bytes reads %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test('below a PiB that was printed is read back to what was printed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 49 }), (bytes) => {
        const printed = formatBytes(bytes);
        expect(formatBytes(parseSize(printed))).toBe(printed);
      }),
    );
  });
});
