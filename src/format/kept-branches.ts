/**
 * The branch pages that the scan came by, so that the walk need not go back to the file for them:
 * they lie all over it, and a disk that is asked for each of them is slow. Bounded, packed to the
 * bytes that a branch uses.
 */
import type { ByteSource } from './byte-source.ts';
import { branchFlag, elementBytes, pageHeaderBytes } from './page.ts';
import type { Sight } from './row-page.ts';

const chunkBytes = 1024 * 1024;

export class KeptBranches {
  readonly #pageSize: number;
  readonly #maxChunks: number;
  readonly #chunks: Uint8Array[] = [];
  #used = chunkBytes;
  readonly #places = new Map<number, Uint8Array>();

  constructor(pageSize: number, limitBytes: number) {
    this.#pageSize = pageSize;
    this.#maxChunks = Math.floor(limitBytes / chunkBytes);
  }

  /** Keeps what lies at `at` if it looks like a branch of one page and there is room. */
  take({ bytes, view }: Sight, at: number, page: number): void {
    if (view.getUint16(at + 8, true) !== branchFlag || view.getUint32(at + 12, true) !== 0) return;
    const usedBytes = this.#usedBytes(view, at);
    if (usedBytes === 0) return;
    if (this.#used + usedBytes > chunkBytes) {
      if (this.#chunks.length >= this.#maxChunks) return;
      this.#chunks.push(new Uint8Array(chunkBytes));
      this.#used = 0;
    }
    const kept = this.#chunks.at(-1)?.subarray(this.#used, this.#used + usedBytes);
    kept?.set(bytes.subarray(at, at + usedBytes));
    if (kept !== undefined) this.#places.set(page, kept);
    this.#used += usedBytes;
  }

  /** The file, with the kept pages read from memory. What a branch does not use reads as zeros. */
  over(source: ByteSource): ByteSource {
    return {
      get sizeBytes() {
        return source.sizeBytes;
      },
      read: (position, into) => {
        const kept = this.#places.get(position / this.#pageSize);
        if (kept === undefined || into.length < this.#pageSize) return source.read(position, into);
        into.set(kept);
        into.fill(0, kept.length, this.#pageSize);
        return this.#pageSize;
      },
    };
  }

  /** To the end of the last key; 0 when a key lies outside the page, for the walk to find. */
  #usedBytes(view: DataView, at: number): number {
    const count = view.getUint16(at + 10, true);
    let usedBytes = pageHeaderBytes + count * elementBytes;
    if (usedBytes > this.#pageSize) return 0;
    for (let index = 0; index < count; index++) {
      const element = pageHeaderBytes + index * elementBytes;
      const keyEnd =
        element + view.getUint32(at + element, true) + view.getUint32(at + element + 4, true);
      usedBytes = Math.max(usedBytes, keyEnd);
    }
    return usedBytes > this.#pageSize ? 0 : usedBytes;
  }
}
