/**
 * 62-bit fingerprints of user keys, seeded so that nobody can prepare keys that collide. Two lanes
 * of MurmurHash3 with constants of their own; bits 0 and 1 of `low` are left to the caller.
 */
import { createHash, randomBytes } from 'node:crypto';

/** Longer keys are taken piece by piece, which the other way cannot do. */
export const longKeyBytes = 65_536;

export class KeyFingerprint {
  readonly #lowSeed: number;
  readonly #highSeed: number;
  /** Of the key that was given last. Unsigned, bits 0 and 1 are 0. */
  low = 0;
  /** Unsigned. */
  high = 0;

  constructor(seed: Uint8Array = randomBytes(8)) {
    const view = new DataView(seed.buffer, seed.byteOffset, seed.length);
    this.#lowSeed = view.getUint32(0);
    this.#highSeed = view.getUint32(4);
  }

  /** For keys of more than `longKeyBytes`. */
  takeLong(pieces: Iterable<Uint8Array>): void {
    const hash = createHash('sha256').update(new Uint32Array([this.#lowSeed, this.#highSeed]));
    for (const piece of pieces) hash.update(piece);
    const digest = hash.digest();
    this.low = (digest.readInt32LE(0) & ~3) >>> 0;
    this.high = digest.readUInt32LE(4);
  }

  /** For keys of `longKeyBytes` at most. */
  take(view: DataView, start: number, length: number): void {
    let low = this.#lowSeed;
    let high = this.#highSeed;
    const end = start + length;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      const word = view.getInt32(at, true);
      low = mixLow(low, word);
      high = mixHigh(high, word);
    }
    let tail = 0;
    for (let shift = 0; at < end; at++, shift += 8) tail |= view.getUint8(at) << shift;
    low = finish(mixLow(low, tail) ^ length);
    high = finish(mixHigh(high, tail) ^ length);
    this.low = ((low + high) & ~3) >>> 0;
    this.high = high >>> 0;
  }
}

function mixLow(state: number, word: number): number {
  let block = Math.imul(word, 0xcc9e2d51);
  block = Math.imul((block << 15) | (block >>> 17), 0x1b873593);
  const mixed = state ^ block;
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function mixHigh(state: number, word: number): number {
  let block = Math.imul(word, 0x239b961b);
  block = Math.imul((block << 16) | (block >>> 16), 0xab0e9789);
  const mixed = state ^ block;
  return (Math.imul((mixed << 17) | (mixed >>> 15), 5) + 0x561ccd1b) | 0;
}

function finish(state: number): number {
  let mixed = state ^ (state >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
