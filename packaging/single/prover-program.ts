/** In the program that is one file, the thread's code is an asset of it. */
import { getAsset } from 'node:sea';
import type { ThreadProgram } from '../../src/spool/prover-program.ts';

export function proverProgram(): ThreadProgram {
  return { program: getAsset('prover-thread.cjs', 'utf8'), isText: true };
}
