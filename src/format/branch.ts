/** A branch page, checked as a whole when it is read, and kept while its children are walked. */
import type { DatabaseReader } from './database-reader.ts';
import { pageFault } from './fault.ts';
import { checkKeyOrder, type KeyBounds, maxKeyBytes } from './key-bounds.ts';
import { elementBytes, type Page, pageHeaderBytes } from './page.ts';

// bbolt splits a branch that outgrows its page, but leaves up to four keys together, and a key has
// 32 KiB at most: a branch beyond this is damage. It also bounds what a walk keeps in memory.
const maxBranchBytes = 256 * 1024;

export class Branch {
  readonly page: number;
  readonly count: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;

  constructor(reader: DatabaseReader, page: Page, bounds: KeyBounds) {
    const sizeBytes = page.end - page.start;
    if (sizeBytes > maxBranchBytes) {
      throw pageFault(page.page, `is a branch of ${sizeBytes} bytes`, { sizeBytes });
    }
    if (page.count === 0) throw pageFault(page.page, 'is a branch without children');
    this.page = page.page;
    this.count = page.count;
    this.#bytes = reader.bytes(page.start, sizeBytes).slice();
    this.#view = new DataView(this.#bytes.buffer);
    this.#check(bounds);
  }

  child(index: number): number {
    const at = pageHeaderBytes + index * elementBytes + 8;
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32;
  }

  /** The smallest key that the child may hold. A view: not to be changed. */
  key(index: number): Uint8Array {
    const element = pageHeaderBytes + index * elementBytes;
    const start = element + this.#view.getUint32(element, true);
    return this.#bytes.subarray(start, start + this.#view.getUint32(element + 4, true));
  }

  #check(bounds: KeyBounds): void {
    const sizeBytes = this.#bytes.length;
    const dataStart = pageHeaderBytes + this.count * elementBytes;
    if (dataStart > sizeBytes) {
      throw pageFault(this.page, `has no room for ${this.count} children`);
    }
    let free = sizeBytes - dataStart;
    let before: Uint8Array | undefined;
    for (let index = 0; index < this.count; index++) {
      const element = pageHeaderBytes + index * elementBytes;
      const start = element + this.#view.getUint32(element, true);
      const keyBytes = this.#view.getUint32(element + 4, true);
      free -= keyBytes;
      if (start < dataStart || start + keyBytes > sizeBytes || keyBytes > maxKeyBytes) {
        throw pageFault(this.page, `element ${index} lies outside the page`, { index });
      }
      if (free < 0) throw pageFault(this.page, `element ${index} overlaps another`, { index });
      const key = this.key(index);
      checkKeyOrder({ page: this.page, index }, key, before, bounds);
      before = key;
    }
  }
}
