import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alignedMemory, alignmentBytes, Ring, ringBytes } from '../../../src/spool/ring.ts';
import type { LappedReading } from './lapped-reader.ts';
import { bytesFrom, wrongAt } from './told-bytes.ts';

/** A ring into which everything up to `end` was put, as far as a ring keeps it. */
function ringUpTo(end: number): Ring {
  const ring = new Ring();
  for (let at = Math.max(0, end - ringBytes); at < end; at += ringBytes / 8) {
    ring.put(at, bytesFrom(at, Math.min(ringBytes / 8, end - at)));
  }
  return ring;
}

/** What a copy of `length` bytes at `offset` brings, or false. */
function copied(ring: Ring, offset: number, length: number): Buffer | false {
  const into = Buffer.alloc(length);
  return ring.copy(offset, into) && into;
}

const rightAt = (offset: number, length: number) => Buffer.from(bytesFrom(offset, length));

describe('a ring', () => {
  test('gives back what was put in, wherever it lies and however it was cut', () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 20 });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const property = fc.property(
      fc.nat(3 * ringBytes),
      pieces,
      share,
      share,
      (start, sizes, a, b) => {
        const ring = new Ring();
        let end = start;
        for (const size of sizes) {
          ring.put(end, bytesFrom(end, size));
          end += size;
        }
        const offset = start + Math.floor(a * (end - start));
        const length = Math.floor(b * (end - offset));

        const bytes = copied(ring, offset, length);

        expect(bytes && wrongAt(bytes, offset)).toBe(undefined);
      },
    );

    fc.assert(property, { numRuns: 40 });
  });

  test('carries bytes over its end', () => {
    const ring = new Ring();
    const start = 5 * ringBytes - 3;

    ring.put(start, bytesFrom(start, 10));

    expect(copied(ring, start, 10)).toEqual(rightAt(start, 10));
    expect(copied(ring, start + 2, 4)).toEqual(rightAt(start + 2, 4));
    expect(Buffer.from(new Uint8Array(ring.memory, 0, 7))).toEqual(rightAt(start + 3, 7));
  });

  test.each([ringBytes, 3 * ringBytes + 4097])('keeps exactly its size, at %i', (end) => {
    const ring = ringUpTo(end);
    const oldest = end - ringBytes;
    expect(copied(ring, oldest, 100)).toEqual(rightAt(oldest, 100));

    ring.put(end, bytesFrom(end, 1));

    expect(copied(ring, oldest, 100)).toBe(false);
    expect(copied(ring, oldest + 1, 100)).toEqual(rightAt(oldest + 1, 100));
    expect(copied(ring, end - 99, 100)).toEqual(rightAt(end - 99, 100));
  });

  test('has nothing of what was overtaken, not even the part that is still there', () => {
    const end = 2 * ringBytes + 1000;
    const ring = ringUpTo(end);

    for (const offset of [0, 999, ringBytes - 1, ringBytes + 999]) {
      expect(copied(ring, offset, 4096)).toBe(false);
    }
  });

  test('is one ring for all who open its memory', () => {
    const end = ringBytes + 5000;
    const ring = ringUpTo(end);

    const other = new Ring(ring.memory);

    expect(copied(other, 5000, 4096)).toEqual(rightAt(5000, 4096));
    expect(copied(other, 4999, 4096)).toBe(false);
  });
});

describe('a piece of a ring', () => {
  test('is the very memory, and holds the bytes asked for', () => {
    const end = ringBytes + 70_000;
    const ring = ringUpTo(end);

    const piece = ring.piece(ringBytes + 10, ringBytes + 60_000);

    expect(piece.buffer).toBe(ring.memory);
    expect(piece.byteLength).toBe(59_990);
    expect(wrongAt(piece, ringBytes + 10)).toBe(undefined);
  });

  test('ends where the ring does; the rest is the next piece', () => {
    const end = 2 * ringBytes + 3000;
    const ring = ringUpTo(end);
    const start = 2 * ringBytes - 5000;

    const pieces = [ring.piece(start, end), ring.piece(2 * ringBytes, end)];

    expect(pieces.map((piece) => piece.byteLength)).toEqual([5000, 3000]);
    expect(wrongAt(Buffer.concat(pieces), start)).toBe(undefined);
  });

  test('lies in memory as the file does, so that aligned offsets give aligned pieces', () => {
    const ring = new Ring();

    for (const page of [0, 1, ringBytes / alignmentBytes - 1, 1_000_003]) {
      const start = page * alignmentBytes;
      expect(ring.piece(start, start + alignmentBytes)).toMatchObject({
        byteOffset: start % ringBytes,
        byteLength: alignmentBytes,
      });
    }
  });
});

test('aligned memory is shared, and as large as asked for', () => {
  for (const bytes of [1, 4096, 65_535, 65_536, 65_537, ringBytes + alignmentBytes]) {
    const memory = alignedMemory(bytes);

    expect(memory).toBeInstanceOf(SharedArrayBuffer);
    expect(memory.byteLength).toBeGreaterThanOrEqual(bytes);
    expect(memory.byteLength - bytes).toBeLessThan(65_536);
  }
});

test('a copy that another thread overtakes midway is refused, never wrong', async () => {
  const ring = new Ring();
  const told = new BigInt64Array(new SharedArrayBuffer(16));
  const reader = new Worker(new URL('./lapped-reader.ts', import.meta.url), {
    workerData: { memory: ring.memory, told: told.buffer },
  });
  await once(reader, 'message');

  const pieceBytes = 64 * 1024;
  // Words are told apart for 16 GiB; a reader that is not done long before is broken.
  for (let at = 0; at < 2 ** 33 && Atomics.load(told, 1) === 0n; at += pieceBytes) {
    ring.put(at, bytesFrom(at, pieceBytes));
    Atomics.store(told, 0, BigInt(at + pieceBytes));
  }
  Atomics.compareExchange(told, 1, 0n, 2n);
  const [reading]: LappedReading[] = await once(reader, 'message');

  expect(reading?.wrong).toBe(0);
  expect(reading?.held).toBeGreaterThanOrEqual(60);
  expect(reading?.refused).toBeGreaterThanOrEqual(60);
});
