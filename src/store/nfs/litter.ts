/**
 * What a channel leaves behind. Every message is a fresh buffer outside the heap, and V8 looks for
 * those only when some 64 MiB of them lie there: a third of all the memory that we may take. A look
 * at the young ones takes a millisecond.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const lookEveryBytes = 8 * 1024 * 1024;

let collect: ((options: { type: 'minor' }) => void) | undefined;
let bytes = 0;

/** To be told of every piece that went through a channel of this process. */
export function leaveLitter(pieceBytes: number): void {
  bytes += pieceBytes;
  if (bytes < lookEveryBytes) return;
  bytes = 0;
  collect ??= findCollector();
  collect({ type: 'minor' });
}

function findCollector(): NonNullable<typeof collect> {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}
