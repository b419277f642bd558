/** One bit for each of a known number of things: pages seen, rows skipped. */
export class BitSet {
  readonly #bytes: Uint8Array;

  constructor(size: number) {
    this.#bytes = new Uint8Array(Math.ceil(size / 8));
  }

  has(at: number): boolean {
    return (((this.#bytes[Math.floor(at / 8)] as number) >>> (at % 8)) & 1) === 1;
  }

  add(at: number): void {
    const byte = Math.floor(at / 8);
    this.#bytes[byte] = (this.#bytes[byte] as number) | (1 << (at % 8));
  }

  /** Whether any of `start` (inclusive) to `end` (exclusive) is in the set. */
  hasAny(start: number, end: number): boolean {
    let at = start;
    while (at < end) {
      if (at % 8 === 0 && at + 8 <= end) {
        if (this.#bytes[at / 8] !== 0) return true;
        at += 8;
      } else {
        if (this.has(at)) return true;
        at++;
      }
    }
    return false;
  }
}
