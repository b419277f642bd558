/** Content that tells its own place: each of its 32-bit words is there once in 16 GiB. */

/** The bytes that belong at `offset`. */
export function bytesFrom(offset: number, length: number): Uint8Array {
  const first = Math.floor(offset / 4);
  const words = new Uint32Array(Math.ceil((offset + length) / 4) - first);
  for (let index = 0; index < words.length; index++) words[index] = wordAt(first + index);
  return new Uint8Array(words.buffer, offset - first * 4, length);
}

/** All bytes before the end, cut as told. */
export function piecesOf(sizes: readonly number[]): Uint8Array[] {
  let offset = 0;
  return sizes.map((size) => {
    offset += size;
    return bytesFrom(offset - size, size);
  });
}

/** The first place where the bytes are not those of `offset`; undefined when all are. */
export function wrongAt(bytes: Uint8Array, offset = 0): number | undefined {
  const right = bytesFrom(offset, bytes.byteLength);
  if (Buffer.compare(right, bytes) === 0) return undefined;
  return offset + right.findIndex((byte, index) => byte !== bytes[index]);
}

/** Odd, so that the product takes every value once before it begins again. */
function wordAt(place: number): number {
  return Math.imul(place, 0x9e3779b1) >>> 0;
}
