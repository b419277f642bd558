/**
 * What the scan remembers of each row of etcd's keyspace: the fingerprint of its user key and
 * whether it is a tombstone, 8 bytes. The rows of one page lie together; the page remembers where.
 * Bounded: rows of pages that find no room are read from the file again when they are needed.
 */

export const notLogged = 0xffff_ffff;
const chunkRows = 65_536;

export class RowLog {
  readonly #chunks: Uint32Array[] = [];
  readonly #maxChunks: number;
  #used = chunkRows;

  constructor(rowLimit: number) {
    this.#maxChunks = Math.min(Math.ceil(rowLimit / chunkRows), 65_535);
  }

  /** A place for `count` rows (at most 65,535), or `notLogged`. It is not taken before `keep`. */
  place(count: number): number {
    if (this.#used + count > chunkRows) {
      if (this.#chunks.length >= this.#maxChunks) return notLogged;
      this.#chunks.push(new Uint32Array(chunkRows * 2));
      this.#used = 0;
    }
    return (this.#chunks.length - 1) * chunkRows + this.#used;
  }

  keep(count: number): void {
    this.#used += count;
  }

  /** Forgets all rows; keeps the memory of one chunk. */
  clear(): void {
    this.#chunks.length = Math.min(this.#chunks.length, 1);
    this.#used = this.#chunks.length === 0 ? chunkRows : 0;
  }

  /** The chunk of a place: the row `offset` of it is words 2 * offset (low) and the next (high). */
  wordsOf(place: number): Uint32Array {
    return this.#chunks[Math.floor(place / chunkRows)] as Uint32Array;
  }

  offsetOf(place: number): number {
    return place % chunkRows;
  }
}
