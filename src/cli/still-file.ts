/** A file that is written just now may be half of what it is to be, and look whole. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../core/errors.ts';

export interface Patience {
  /** How long nothing must have been written. */
  readonly stillMs: number;
  /** When to give up. */
  readonly longestMs: number;
}

const usual: Patience = { stillMs: 500, longestMs: 10_000 };

/**
 * Gives what `load` gives once nothing has written to the file for half a second before it, nor
 * meanwhile. Throws `config-invalid` where that never comes; without a file `load` runs at once.
 */
export async function loadStill<T>(
  file: string | undefined,
  load: () => T,
  { stillMs, longestMs }: Patience = usual,
): Promise<T> {
  if (file === undefined) return load();
  const lateMs = performance.now() + longestMs;
  for (let before = textOf(file); performance.now() < lateMs; before = textOf(file)) {
    await sleep(stillMs);
    if (textOf(file) !== before) continue;
    const outcome = attempt(load);
    if (textOf(file) === before) return outcome();
  }
  throw new Failure('config-invalid', `${file} is written to all the time: it was never whole`);
}

/** Undefined: it cannot be read, which `load` has the words for. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}

/** The value or the fault, to be had later: a fault of half a file counts for nothing. */
function attempt<T>(load: () => T): () => T {
  try {
    const value = load();
    return () => value;
  } catch (thrown) {
    return () => {
      throw thrown;
    };
  }
}
