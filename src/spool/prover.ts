/**
 * Proves a snapshot file in a thread of its own, following it while it still grows, so that the
 * daemon's loop stays free. What is still in the file's ring is read there, the very memory that
 * the disk was written from; the rest is read from the file.
 */
import { Worker } from 'node:worker_threads';
import type { Revision } from '../core/backup.ts';
import { type CarriedFailure, revive } from '../core/carried-failure.ts';
import { Failure } from '../core/errors.ts';
import type { SnapshotFacts } from '../format/snapshot-facts.ts';
import type { SnapshotDigests } from '../format/snapshot-file.ts';
import { proverProgram } from './prover-program.ts';
import type { Ring } from './ring.ts';

export interface ProvedFile {
  readonly facts: SnapshotFacts;
  readonly digests: SnapshotDigests;
}

export interface HashedAt {
  readonly revision: Revision;
  /** The compaction that the hash is computed with; null when never compacted. */
  readonly compactRevision: Revision | null;
}

export interface Prover extends AsyncDisposable {
  /** The file now holds this many bytes; they will not change. */
  advance(sizeBytes: number): void;
  /**
   * Returns when at most one `advance` has not been followed. Who waits for it before it writes on
   * is read from the ring; behind that the proof reads the disk, while the disk is written.
   */
  caughtUp(signal: AbortSignal): Promise<void>;
  /**
   * The file is complete. Throws `snapshot-corrupt` when its trailer is not the digest of its
   * database, or its structure has a fault.
   */
  finish(sizeBytes: number): Promise<ProvedFile>;
  /** HashKV of the proved file. Throws `revision-unavailable` outside what the file can answer. */
  hashKv(at: HashedAt): Promise<number>;
}

/** What travels between the threads. */
export type ProverCall =
  | { kind: 'advance'; sizeBytes: number }
  | { kind: 'finish'; sizeBytes: number }
  | ({ kind: 'hash-kv' } & HashedAt);

/** Each `advance` is answered by one `followed`, each other call by one of the others. */
export type ProverAnswer =
  | { kind: 'followed' }
  | { kind: 'proved'; proved: ProvedFile }
  | { kind: 'hash-kv'; hash: number }
  | { kind: 'failed'; failure: CarriedFailure };

/** What a proof reads: a file, and the ring that it was written from if it is new. */
export interface ProvableFile {
  readonly path: string;
  readonly ring?: Ring;
}

/** Starts a thread on a file, which may still be empty. */
export function startProver({ path, ring }: ProvableFile): Prover {
  const { program, isText } = proverProgram();
  const worker = new Worker(program, {
    eval: isText,
    workerData: { path, memory: ring?.memory },
    resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
  });
  return new ThreadProver(worker);
}

class ThreadProver implements Prover {
  readonly #worker: Worker;
  readonly #dead: Promise<never>;
  readonly #hashes = new Map<string, Promise<number>>();
  #last: Promise<unknown> = Promise.resolve();
  /** Calls of `advance` that have not been followed yet. */
  #behind = 0;
  #followed = Promise.withResolvers<void>();
  #answered: (answer: ProverAnswer) => void = () => undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (answer: ProverAnswer) => {
      if (answer.kind === 'followed') this.#follow();
      else this.#answered(answer);
    });
    this.#dead = new Promise<never>((_, reject) => {
      worker.once('error', (error) => reject(crash(error.message, error)));
      worker.once('exit', (code) => reject(crash(`it ended with ${code}`)));
    });
    this.#dead.catch(() => undefined);
  }

  advance(sizeBytes: number): void {
    this.#behind += 1;
    this.#worker.postMessage({ kind: 'advance', sizeBytes } satisfies ProverCall);
  }

  async caughtUp(signal: AbortSignal): Promise<void> {
    if (this.#behind <= 1) return;
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      signal.throwIfAborted();
      while (this.#behind > 1) {
        await Promise.race([this.#followed.promise, this.#dead, aborted.promise]);
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async finish(sizeBytes: number): Promise<ProvedFile> {
    const answer = await this.#ask({ kind: 'finish', sizeBytes });
    if (answer.kind !== 'proved') throw crash('it gave another answer');
    return answer.proved;
  }

  hashKv(at: HashedAt): Promise<number> {
    const key = `${at.revision}/${at.compactRevision}`;
    const known = this.#hashes.get(key) ?? this.#hash(at);
    this.#hashes.set(key, known);
    return known;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  async #hash(at: HashedAt): Promise<number> {
    const answer = await this.#ask({ kind: 'hash-kv', ...at });
    if (answer.kind !== 'hash-kv') throw crash('it gave another answer');
    return answer.hash;
  }

  #follow(): void {
    this.#behind -= 1;
    this.#followed.resolve();
    this.#followed = Promise.withResolvers<void>();
  }

  /** One question at a time: the thread answers in order. */
  #ask(call: ProverCall): Promise<ProverAnswer> {
    const answer = this.#last.then(() => this.#exchange(call));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #exchange(call: ProverCall): Promise<ProverAnswer> {
    const answered = new Promise<ProverAnswer>((resolve) => {
      this.#answered = resolve;
    });
    this.#worker.postMessage(call);
    const answer = await Promise.race([answered, this.#dead]);
    if (answer.kind === 'failed') throw revive(answer.failure);
    return answer;
  }
}

function crash(reason: string, cause?: unknown): Failure {
  return new Failure('internal', `the proving thread broke: ${reason}`, { cause });
}
