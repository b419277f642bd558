/**
 * The door through which this room sees a file. Positional, so that any thread may read anywhere,
 * and synchronous, because the caller runs the whole proof in a thread of its own.
 */
import { fileFault } from './fault.ts';

export interface ByteSource {
  /** Asked anew each time: a spool file grows while it is read. */
  readonly sizeBytes: number;
  /** Fills `into` from `position` on and returns how much; less than asked is no error, 0 is the
   * end. Errors of the operating system pass through. */
  read(position: number, into: Uint8Array): number;
}

/** Fills all of `into`; a source that ends inside it is a truncated file. */
export function readFully(source: ByteSource, position: number, into: Uint8Array): void {
  let done = 0;
  while (done < into.length) {
    const count = source.read(position + done, done === 0 ? into : into.subarray(done));
    if (count <= 0) {
      const endsAt = position + done;
      throw fileFault(`the file ends at byte ${endsAt}, where more was announced`, { endsAt });
    }
    done += count;
  }
}
