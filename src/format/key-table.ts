/**
 * The user keys met so far, as fingerprints: open addressing in one typed array, bounded. When it
 * is full, the caller narrows the range of fingerprints it counts and takes the rest in a further
 * pass.
 */
import { tombstoneMark } from './row-page.ts';

// Linear probing stays short below this share of taken slots.
const fullest = 0.7;

export class KeyTable {
  readonly #slots: Uint32Array;
  readonly #mask: number;
  readonly #limit: number;
  #size = 0;
  #live = 0;

  /** Room for `keys` keys. */
  constructor(keys: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(keys, 1) / fullest + 1));
    this.#slots = new Uint32Array(slots * 2);
    this.#mask = slots - 1;
    this.#limit = Math.max(keys, 1);
  }

  get isFull(): boolean {
    return this.#size >= this.#limit;
  }

  /** Keys whose newest row is no tombstone, if rows come newest first. */
  get live(): number {
    return this.#live;
  }

  has(low: number, high: number): boolean {
    return this.#slots[this.#find(low, high)] !== 0;
  }

  /** Returns whether the key was there before. */
  add(low: number, high: number): boolean {
    const slot = this.#find(low, high);
    if (this.#slots[slot] !== 0) return true;
    this.#slots[slot] = low;
    this.#slots[slot + 1] = high;
    this.#size++;
    if ((low & tombstoneMark) === 0) this.#live++;
    return false;
  }

  /**
   * Forgets the keys whose `high` is `limit` or more. In place: beginning behind a free slot, each
   * key is taken out and put back, and so moves to where it was or towards where it belongs.
   */
  dropFrom(limit: number): void {
    const slots = this.#slots;
    let start = 0;
    while (slots[start] !== 0) start += 2;
    this.#size = 0;
    this.#live = 0;
    for (let passed = 2; passed < slots.length; passed += 2) {
      const slot = (start + passed) % slots.length;
      const low = slots[slot] as number;
      if (low === 0) continue;
      slots[slot] = 0;
      const high = slots[slot + 1] as number;
      if (high < limit) this.add(low, high);
    }
  }

  clear(): void {
    this.#slots.fill(0);
    this.#size = 0;
    this.#live = 0;
  }

  #find(low: number, high: number): number {
    const slots = this.#slots;
    const key = low & ~tombstoneMark;
    let at = ((low >>> 2) ^ Math.imul(high, 0x9e3779b1)) & this.#mask;
    for (; ; at = (at + 1) & this.#mask) {
      const taken = slots[at * 2] as number;
      if (taken === 0) return at * 2;
      if ((taken & ~tombstoneMark) === key && slots[at * 2 + 1] === high) return at * 2;
    }
  }
}
