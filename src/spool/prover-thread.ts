/** The thread behind `prover.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { Failure } from '../core/errors.ts';
import { FollowingProof } from './following-proof.ts';
import type { ProverCall } from './prover.ts';
import { Ring } from './ring.ts';

const port = parentPort;
if (port === null) throw new Failure('internal', 'the proving thread was started as a program');

const { path, memory } = workerData;
const proof = new FollowingProof(path, memory === undefined ? undefined : new Ring(memory));

port.on('message', (call: ProverCall) => {
  if (call.kind === 'advance') proof.follow(call.sizeBytes);
  else port.postMessage(proof.answer(call));
});
