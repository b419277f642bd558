/**
 * Reads a spool file that is being written: from its ring what is still there, the rest from the
 * disk, past the page cache where that works, because the file is read once and never again.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { ByteSource } from '../format/byte-source.ts';
import { fileSource } from '../format/file-source.ts';
import { alignedMemory, alignmentBytes, type Ring } from './ring.ts';

const windowBytes = 1024 * 1024;
/** Smaller reads are the walk's, which comes back to the same pages: the page cache helps it. */
const leastDirectBytes = 128 * 1024;

export function freshSource(path: string, ring: Ring): ByteSource {
  const file = fileSource(path);
  const direct = new DirectReader(path);
  return {
    get sizeBytes() {
      return file.sizeBytes;
    },
    read(offset, into) {
      if (ring.copy(offset, into)) return into.byteLength;
      const directBytes = into.byteLength < leastDirectBytes ? 0 : direct.read(offset, into);
      return directBytes > 0 ? directBytes : file.read(offset, into);
    },
  };
}

class DirectReader {
  readonly #path: string;
  #descriptor: number | undefined;
  #window: Uint8Array | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Returns 0 where it does not work; a true fault shows when the file is read the usual way. */
  read(offset: number, into: Uint8Array): number {
    try {
      this.#descriptor ??= openSync(this.#path, constants.O_RDONLY | constants.O_DIRECT);
      this.#window ??= new Uint8Array(alignedMemory(windowBytes));
      const skipped = offset % alignmentBytes;
      const read = readSync(this.#descriptor, this.#window, 0, windowBytes, offset - skipped);
      const found = this.#window.subarray(skipped, Math.min(read, skipped + into.byteLength));
      into.set(found);
      return found.byteLength;
    } catch {
      return 0;
    }
  }

  [Symbol.dispose](): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }
}
