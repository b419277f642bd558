/** One file, one scan that follows it, answers in the order of the calls. */
import { carry } from '../core/carried-failure.ts';
import { Failure, toFailure } from '../core/errors.ts';
import { fileSource } from '../format/file-source.ts';
import { hashKv } from '../format/hash-kv.ts';
import { snapshotLayout } from '../format/snapshot-file.ts';
import { type ScannedSnapshot, SnapshotScan } from '../format/snapshot-scan.ts';
import { freshSource } from './fresh-source.ts';
import type { ProverAnswer, ProverCall } from './prover.ts';
import type { Ring } from './ring.ts';

export class FollowingProof {
  readonly #scan: SnapshotScan;
  #scanned: ScannedSnapshot | undefined;
  /** A fault met while following is told with the answer to the next question. */
  #fault: Failure | undefined;

  constructor(path: string, ring: Ring | undefined) {
    this.#scan = new SnapshotScan(ring === undefined ? fileSource(path) : freshSource(path, ring));
  }

  /** The file now holds this many bytes; they will not change. */
  follow(sizeBytes: number): void {
    if (this.#fault !== undefined) return;
    try {
      this.#scan.advance(sizeBytes);
    } catch (error) {
      this.#fault = toFailure(error, 'spool-failed');
    }
  }

  answer(call: Exclude<ProverCall, { kind: 'advance' }>): ProverAnswer {
    try {
      if (this.#fault !== undefined) throw this.#fault;
      if (call.kind === 'finish') {
        const { facts, digests } = this.#finish(call.sizeBytes);
        return { kind: 'proved', proved: { facts, digests } };
      }
      if (this.#scanned === undefined) {
        throw new Failure('internal', 'a hash was asked before the end');
      }
      return { kind: 'hash-kv', hash: hashKv(this.#scanned.keyspace, call) };
    } catch (error) {
      return { kind: 'failed', failure: carry(error, 'spool-failed') };
    }
  }

  #finish(sizeBytes: number): ScannedSnapshot {
    this.#scanned = this.#scan.finish(snapshotLayout(sizeBytes));
    return this.#scanned;
  }
}
