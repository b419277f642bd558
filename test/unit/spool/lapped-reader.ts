/**
 * A thread that copies from a ring where the writer is about to overtake it, and counts what came
 * of it. `told` holds how far the writer is, and whether reader (1) or writer (2) wants to end.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Ring, ringBytes } from '../../../src/spool/ring.ts';
import { wrongAt } from './told-bytes.ts';

export interface LappedReading {
  /** Copies that the ring stood for. */
  readonly held: number;
  readonly refused: number;
  /** Of those that the ring stood for, the ones with bytes of another place. */
  readonly wrong: number;
}

const wanted = 60;
const copyBytes = 256 * 1024;

const ring = new Ring(workerData.memory);
const told = new BigInt64Array(workerData.told);
const into = new Uint8Array(copyBytes);
let held = 0;
let refused = 0;
let wrong = 0;

parentPort?.postMessage('ready');
while (Math.min(held, refused) < wanted && Atomics.load(told, 1) === 0n) {
  const written = Number(Atomics.load(told, 0));
  if (written < ringBytes) continue;
  const offset = written - ringBytes + Math.floor(Math.random() * 131_072) * 4;
  if (!ring.copy(offset, into)) {
    refused++;
    continue;
  }
  held++;
  if (wrongAt(into, offset) !== undefined) wrong++;
}
Atomics.compareExchange(told, 1, 0n, 1n);
parentPort?.postMessage({ held, refused, wrong } satisfies LappedReading);
