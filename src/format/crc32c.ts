/**
 * CRC-32C (Castagnoli), and how the sum of a whole is joined from the sums of its parts. Joining is
 * what lets pages be read in file order although the hashes of etcd are defined in key order.
 */
import { crc32c as nativeCrc32c } from '@node-rs/crc32';

/** The sum of everything that `before` is the sum of, followed by `bytes`. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  return nativeCrc32c(bytes, before);
}

// Both with the coefficient of x^0 in the highest bit, as CRC-32C is computed.
const polynomial = 0x82f63b78;
const one = 0x80000000;
// Lengths below 2^53 bytes need the powers x^(2^3) to x^(2^55).
const powers = 56;
// Data of most pages is shorter than the largest page size; their operators are kept.
const keptLengths = 65_536;

export class Crc32cJoin {
  readonly #powers = new Uint32Array(powers);
  readonly #operators = new Uint32Array(keptLengths);

  constructor() {
    let power = one >>> 1;
    for (let at = 0; at < powers; at++) {
      this.#powers[at] = power;
      power = multiply(power, power);
    }
  }

  /** The sum of two pieces from the sums of each and the length of the second. */
  join(left: number, right: number, rightBytes: number): number {
    return (multiply(this.#operator(rightBytes), left) ^ right) >>> 0;
  }

  #operator(bytes: number): number {
    if (bytes >= keptLengths) return this.#compose(bytes);
    const kept = this.#operators[bytes] as number;
    if (kept !== 0) return kept;
    const fresh = this.#compose(bytes);
    this.#operators[bytes] = fresh;
    return fresh;
  }

  /** x^(8 * bytes) modulo the polynomial. */
  #compose(bytes: number): number {
    let product = one;
    let rest = bytes;
    for (let at = 3; rest > 0; at++) {
      if (rest % 2 === 1) product = multiply(this.#powers[at] as number, product);
      rest = Math.floor(rest / 2);
    }
    return product;
  }
}

/** The product of two polynomials modulo ours. Masks, because branches would be guessed wrong. */
function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b | 0;
  for (let bits = a | 0; bits !== 0; bits <<= 1) {
    product ^= factor & (bits >> 31);
    factor = (factor >>> 1) ^ (polynomial & -(factor & 1));
  }
  return product >>> 0;
}
