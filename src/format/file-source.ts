/**
 * A file as a byte source. A descriptor is closed by its giver; a path is opened and closed
 * here.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ByteSource } from './byte-source.ts';

export function fileSource(file: string | number): ByteSource & Disposable {
  const descriptor = typeof file === 'string' ? openSync(file, 'r') : file;
  return {
    get sizeBytes() {
      return fstatSync(descriptor).size;
    },
    read(position, into) {
      return readSync(descriptor, into, 0, into.length, position);
    },
    [Symbol.dispose]() {
      if (typeof file === 'string') closeSync(descriptor);
    },
  };
}
