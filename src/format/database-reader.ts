/**
 * Small positional reads of a database, through two windows of fixed size: one page and its
 * neighbour, or the element array and the data of a page that is larger than a window.
 */
import { type ByteSource, readFully } from './byte-source.ts';
import { crc32c } from './crc32c.ts';
import { fileFault } from './fault.ts';

/** The most that can be seen at once; keys, branch pages and values that are parsed are smaller. */
export const viewBytes = 1024 * 1024;
// A miss inside a large page reads on a little; a page is loaded as a whole before it is parsed.
const readAheadBytes = 16 * 1024;

interface Window {
  readonly buffer: Uint8Array<ArrayBuffer>;
  start: number;
  end: number;
}

export class DatabaseReader {
  readonly source: ByteSource;
  readonly sizeBytes: number;
  #recent: Window;
  #other: Window;

  constructor(source: ByteSource, sizeBytes: number) {
    this.source = source;
    this.sizeBytes = sizeBytes;
    const windowBytes = Math.min(sizeBytes, viewBytes);
    this.#recent = freshWindow(windowBytes);
    this.#other = freshWindow(windowBytes);
  }

  /**
   * The bytes from `position` on, `length` of them and at most a view. They are overwritten by the
   * reads after the next one: take what is needed, or slice.
   */
  bytes(position: number, length: number): Uint8Array<ArrayBuffer> {
    if (!this.sees(position, length)) this.load(position, Math.max(length, readAheadBytes));
    const window = this.#recent;
    const at = position - window.start;
    if (position + length > window.end) {
      throw fileFault(`bytes ${position} to ${position + length} lie beyond the database`);
    }
    return window.buffer.subarray(at, at + length);
  }

  /** Reads up to a view of bytes ahead of their use. */
  load(position: number, length: number): void {
    const end = Math.min(position + Math.min(length, viewBytes), this.sizeBytes);
    if (end <= position) throw fileFault(`byte ${position} lies beyond the database`);
    if (this.sees(position, end - position)) return;
    [this.#recent, this.#other] = [this.#other, this.#recent];
    const window = this.#recent;
    window.start = 0;
    window.end = 0;
    readFully(this.source, position, window.buffer.subarray(0, end - position));
    window.start = position;
    window.end = end;
  }

  /** CRC-32C of any number of bytes. */
  crc(position: number, length: number, before: number): number {
    let sum = before;
    for (let at = position; at < position + length; at += viewBytes) {
      sum = crc32c(this.bytes(at, Math.min(viewBytes, position + length - at)), sum);
    }
    return sum;
  }

  /** Whether the bytes can be had without a read. */
  sees(position: number, length: number): boolean {
    if (holds(this.#recent, position, length)) return true;
    if (!holds(this.#other, position, length)) return false;
    [this.#recent, this.#other] = [this.#other, this.#recent];
    return true;
  }
}

function freshWindow(bytes: number): Window {
  return { buffer: new Uint8Array(bytes), start: 0, end: 0 };
}

function holds(window: Window, position: number, length: number): boolean {
  return position >= window.start && position + length <= window.end;
}
