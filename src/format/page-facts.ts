/**
 * What the scan found on each page that looks like a leaf of the bucket `key`: 22 bytes a page, so
 * that a database of any usual size stays within some tens of megabytes.
 */
import { elementBytes, pageHeaderBytes } from './page.ts';

const chunkPages = 16_384;
/** In `bytes`: the page was not summed up, or cannot be. */
export const notSummed = 0xffff_ffff;
const spareBit = 0x8000_0000;
/** Data of this length and more is not kept in facts. */
export const maxFactBytes = 0x4000_0000;

interface Chunk {
  readonly rows: Uint16Array;
  readonly crc: Uint32Array;
  readonly bytes: Uint32Array;
  readonly first: Uint32Array;
  readonly last: Uint32Array;
  readonly place: Uint32Array;
}

export interface RowPageFacts {
  readonly rows: number;
  /** CRC-32C of all keys and values of the page, in order, and how many bytes they are. */
  readonly crc: number;
  readonly bytes: number;
  /** Fingerprint of the first revision. */
  readonly first: number;
  /** Distance from the first revision to the last, packed. */
  readonly last: number;
  /** Where the row log has the rows. */
  readonly place: number;
  /** bbolt up to 1.3 takes one page more than needed when the data ends with a page. */
  readonly hasSparePage: boolean;
}

export class PageFacts {
  readonly #chunks: (Chunk | undefined)[] = [];

  put(page: number, facts: RowPageFacts): void {
    const chunk = this.#open(page);
    const at = page % chunkPages;
    chunk.rows[at] = facts.rows;
    chunk.crc[at] = facts.crc;
    chunk.bytes[at] = (facts.bytes | (facts.hasSparePage ? spareBit : 0)) >>> 0;
    chunk.first[at] = facts.first;
    chunk.last[at] = facts.last;
    chunk.place[at] = facts.place;
  }

  /** For a page that the scan could not sum up but the walk has read. */
  putRows(page: number, rows: number, place: number): void {
    const chunk = this.#open(page);
    const at = page % chunkPages;
    chunk.rows[at] = rows;
    chunk.bytes[at] = notSummed;
    chunk.place[at] = place;
  }

  /** 0 when nothing is known. */
  rows(page: number): number {
    return this.#chunks[Math.floor(page / chunkPages)]?.rows[page % chunkPages] ?? 0;
  }

  isSummed(page: number): boolean {
    return this.rows(page) > 0 && this.#chunk(page).bytes[page % chunkPages] !== notSummed;
  }

  crc(page: number): number {
    return this.#chunk(page).crc[page % chunkPages] as number;
  }

  bytes(page: number): number {
    return (this.#chunk(page).bytes[page % chunkPages] as number) % spareBit;
  }

  /** Of a page that is summed up. bbolt writes the data without gaps, so its length tells. */
  overflow(page: number, pageSize: number): number {
    const packed = this.#chunk(page).bytes[page % chunkPages] as number;
    const used = pageHeaderBytes + this.rows(page) * elementBytes + (packed % spareBit);
    return Math.ceil(used / pageSize) - (packed >= spareBit ? 0 : 1);
  }

  first(page: number): number {
    return this.#chunk(page).first[page % chunkPages] as number;
  }

  last(page: number): number {
    return this.#chunk(page).last[page % chunkPages] as number;
  }

  place(page: number): number {
    return this.#chunk(page).place[page % chunkPages] as number;
  }

  #chunk(page: number): Chunk {
    return this.#chunks[Math.floor(page / chunkPages)] as Chunk;
  }

  #open(page: number): Chunk {
    const number = Math.floor(page / chunkPages);
    const open = this.#chunks[number];
    if (open !== undefined) return open;
    const chunk = {
      rows: new Uint16Array(chunkPages),
      crc: new Uint32Array(chunkPages),
      bytes: new Uint32Array(chunkPages),
      first: new Uint32Array(chunkPages),
      last: new Uint32Array(chunkPages),
      place: new Uint32Array(chunkPages),
    };
    this.#chunks[number] = chunk;
    return chunk;
  }
}
