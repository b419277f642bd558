/** The thread behind `prover.ts`: one file, one scan, answers in the order of the calls. */
import { parentPort, workerData } from 'node:worker_threads';
import { Failure, toFailure } from '../core/errors.ts';
import { fileSource } from '../format/file-source.ts';
import { hashKv } from '../format/hash-kv.ts';
import { snapshotLayout } from '../format/snapshot-file.ts';
import { type ScannedSnapshot, SnapshotScan } from '../format/snapshot-scan.ts';
import { freshSource } from './fresh-source.ts';
import type { ProverAnswer, ProverCall } from './prover.ts';
import { Ring } from './ring.ts';

const port = parentPort;
if (port === null) throw new Failure('internal', 'the proving thread was started as a program');

const { path, memory } = workerData;
const source = memory === undefined ? fileSource(path) : freshSource(path, new Ring(memory));
const scan = new SnapshotScan(source);
let scanned: ScannedSnapshot | undefined;
/** A fault met while following is told with the answer to the next question. */
let fault: Failure | undefined;

port.on('message', (call: ProverCall) => {
  if (call.kind === 'advance') follow(call.sizeBytes);
  else port.postMessage(answerTo(call));
});

function follow(sizeBytes: number): void {
  if (fault !== undefined) return;
  try {
    scan.advance(sizeBytes);
  } catch (error) {
    fault = toFailure(error, 'spool-failed');
  }
}

function answerTo(call: Exclude<ProverCall, { kind: 'advance' }>): ProverAnswer {
  try {
    if (fault !== undefined) throw fault;
    if (call.kind === 'finish') {
      scanned = scan.finish(snapshotLayout(call.sizeBytes));
      return { kind: 'proved', proved: { facts: scanned.facts, digests: scanned.digests } };
    }
    if (scanned === undefined) throw new Failure('internal', 'a hash was asked before the end');
    return { kind: 'hash-kv', hash: hashKv(scanned.keyspace, call) };
  } catch (error) {
    const { code, message, context } = toFailure(error, 'spool-failed');
    return { kind: 'failed', failure: { code, message, context } };
  }
}
