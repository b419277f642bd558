/** Streams of bytes for the tests of the room: in pieces of any size, with borrowed memory. */
import fc from 'fast-check';
import type { Failure } from '../../../src/core/errors.ts';

export type Bytes = AsyncIterable<Uint8Array>;

/** In pieces of the given sizes, over and over; each piece is wiped once the next is asked for. */
export async function* lent(
  bytes: Uint8Array,
  sizes: readonly number[] = [bytes.length || 1],
): AsyncGenerator<Uint8Array, void, undefined> {
  const window = new Uint8Array(Math.max(...sizes));
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] as number;
    const piece = window.subarray(0, Math.min(size, bytes.length - at));
    piece.set(bytes.subarray(at, at + size));
    yield piece;
    piece.fill(0xee);
    at += size;
  }
}

/** Everything, copied at once: the pieces are lent here too. */
export async function all(source: Bytes): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces);
}

/** What came before the failure, and the failure. */
export async function untilFailure(source: Bytes): Promise<{ given: Buffer; failure: Failure }> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of source) pieces.push(Uint8Array.from(piece));
  } catch (thrown) {
    return { given: Buffer.concat(pieces), failure: thrown as Failure };
  }
  throw new Error('it was taken');
}

/** Bytes that do not pack well, of a size around the borders of chunks, and sizes of pieces. */
export const anyBytes = fc
  .oneof(
    fc.nat({ max: 300 }),
    fc.integer({ min: 65_530, max: 65_550 }),
    fc.integer({ min: 131_060, max: 131_090 }),
    fc.integer({ min: 200_000, max: 400_000 }),
  )
  .map((size) => noise(size));

export const anySizes = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 100_000 }), fc.constant(65_536)),
  {
    minLength: 1,
    maxLength: 4,
  },
);

/** The same for the same size. */
export function noise(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0, state = size + 1; at < size; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    // Half of it is text: it packs, but not to nothing.
    bytes[at] = (state >>> 16) & (at % 2 === 0 ? 0xff : 0x0f);
  }
  return bytes;
}
