/** The thread behind `prover.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { Failure } from '../core/errors.ts';
import { FollowingProof } from './following-proof.ts';
import type { ProverAnswer, ProverCall } from './prover.ts';
import { Ring } from './ring.ts';

const port = parentPort;
if (port === null) throw new Failure('internal', 'the proving thread was started as a program');

const { path, memory } = workerData;
const proof = new FollowingProof(path, memory === undefined ? undefined : new Ring(memory));

port.on('message', (call: ProverCall) => {
  if (call.kind !== 'advance') return port.postMessage(proof.answer(call));
  proof.follow(call.sizeBytes);
  port.postMessage({ kind: 'followed' } satisfies ProverAnswer);
});
