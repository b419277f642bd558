import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { compress, decompress } from '../../../src/stream/compress.ts';
import { all, anyBytes, anySizes, lent, noise, untilFailure } from './bytes.ts';

const unpack = { none: Buffer.from, gzip: gunzipSync, zstd: zstdDecompressSync };
const pack = { none: Buffer.from, gzip: gzipSync, zstd: zstdCompressSync };
const codecs = ['gzip', 'zstd'] as const;

describe.each(['none', ...codecs] as const)('%s', (codec) => {
  test('comes back the same for any size and any pieces, from lent memory', async () => {
    await fc.assert(
      fc.asyncProperty(anyBytes, anySizes, anySizes, async (plain, there, back) => {
        const packed = await all(compress(lent(plain, there), codec, 1));

        const found = await all(decompress(lent(packed, back), codec));

        expect(found.equals(plain)).toBe(true);
        expect(Buffer.from(unpack[codec](packed)).equals(plain)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  test('reads what others packed', async () => {
    const plain = noise(100_000);

    expect((await all(decompress(lent(pack[codec](plain)), codec))).equals(plain)).toBe(true);
  });

  test('throws what its source throws, both ways', async () => {
    const failure = new Failure('store-failed', 'the store is gone');
    const breaking = async function* (bytes: Uint8Array) {
      yield bytes;
      throw failure;
    };
    const packed = await all(compress(lent(noise(100)), codec, null));

    const there = await untilFailure(compress(breaking(noise(100)), codec, null));
    const back = await untilFailure(decompress(breaking(packed), codec));

    expect(there.failure).toBe(failure);
    expect(back.failure).toBe(failure);
  });

  test('closes its source when nobody wants more of it', async () => {
    const closed: string[] = [];
    const endless = async function* () {
      try {
        for (let at = 0; ; at += 1) yield noise(100_000 + at);
      } finally {
        closed.push(codec);
      }
    };

    for await (const _ of compress(endless(), codec, 1)) break;
    for await (const _ of decompress(compress(endless(), codec, 1), codec)) break;

    expect(closed).toEqual([codec, codec]);
  });
});

describe.each(codecs)('%s bytes', (codec) => {
  const plain = noise(300_000);

  test('that were changed are refused, wherever it was', async () => {
    const packed = await all(compress(lent(plain), codec, 1));
    const step = Math.floor(packed.length / 60);
    // The first bytes of gzip hold a time and a system, which nothing depends on.
    for (let at = 10; at < packed.length; at += step) {
      const changed = Buffer.from(packed);
      changed[at] = (changed[at] as number) ^ 0x40;

      const { failure } = await untilFailure(decompress(lent(changed, [5000]), codec));

      expect({ at, code: failure.code }).toEqual({ at, code: 'object-damaged' });
    }
  });

  test('that were cut are refused, wherever it was', async () => {
    const packed = await all(compress(lent(plain), codec, 1));

    for (const end of [1, 9, packed.length >> 1, packed.length - 5, packed.length - 1]) {
      const { failure } = await untilFailure(decompress(lent(packed.subarray(0, end)), codec));

      expect({ end, code: failure.code }).toEqual({ end, code: 'object-damaged' });
    }
  });

  test('that are none at all are refused', async () => {
    for (const bytes of [Buffer.from('words'), Buffer.alloc(100_000), noise(100_000)]) {
      const { failure } = await untilFailure(decompress(lent(bytes), codec));

      expect(failure.code).toBe('object-damaged');
      expect(failure.message).toContain(`the ${codec} bytes cannot be read`);
    }
  });

  test('are smaller at a higher level', async () => {
    const text = Buffer.from(
      Array.from({ length: 20_000 }, (_, at) => `/registry/pods/${(at * 7919) % 6007}`).join(),
    );
    const sizes = [];
    for (const level of [1, codec === 'gzip' ? 9 : 19])
      sizes.push((await all(compress(lent(text), codec, level))).length);

    expect(sizes[1]).toBeLessThan(sizes[0] as number);
  });
});
