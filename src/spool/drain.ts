/**
 * Drains a member's snapshot stream into a spool file at the speed of the member. Receiving and
 * writing overlap; the only thing that can slow the member down is the spool's own disk, because an
 * open snapshot pins pages there and blocks a defragment.
 */
import type { SnapshotMessage } from '../cluster/port.ts';
import { Failure } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import { SnapshotStreamRules } from '../format/stream-rules.ts';
import type { SpoolFile } from './file.ts';

/** Large enough to make system calls cheap, small enough to keep the proof close behind. */
const batchBytes = 1024 * 1024;

export interface DrainOptions {
  /** Opens the stream; the signal it is given ends it. */
  readonly open: (signal: AbortSignal) => AsyncIterable<SnapshotMessage>;
  readonly file: SpoolFile;
  readonly signal: AbortSignal;
  /** Without one new byte for this long the stream is given up (`stream-stalled`). */
  readonly stallTimeoutMs: number;
  /** Called after each batch is in the file. `totalBytes` is the database without the trailer. */
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
}

export interface Drained {
  /** The whole file, trailer included. */
  readonly sizeBytes: number;
  readonly databaseBytes: number;
  /** The member's storage version, told by 3.6 and later. */
  readonly storageVersion: string | undefined;
}

/** Returns when the stream ended well and its sizes add up; the content is not proved by this. */
export async function drain(options: DrainOptions): Promise<Drained> {
  const { file, signal, stallTimeoutMs } = options;
  using watchdog = new ByteWatchdog(stallTimeoutMs);
  const rules = new SnapshotStreamRules();
  const batch = new Batch(file, (done) => options.onProgress(done, rules.databaseBytes ?? 0));
  let storageVersion: string | undefined;
  for await (const message of options.open(AbortSignal.any([signal, watchdog.signal]))) {
    rules.accept(message);
    watchdog.feed(message.blobBytes);
    storageVersion ??= message.version;
    await batch.add(message);
  }
  signal.throwIfAborted();
  watchdog.signal.throwIfAborted();
  await batch.flush();
  return { ...rules.end(), storageVersion };
}

/** Collects pieces and writes them while the next ones are received: one write under way. */
class Batch {
  readonly #file: SpoolFile;
  readonly #written: (doneBytes: number) => void;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: SpoolFile, written: (doneBytes: number) => void) {
    this.#file = file;
    this.#written = written;
  }

  async add(message: SnapshotMessage): Promise<void> {
    this.#pieces.push(...message.blob);
    this.#bytes += message.blobBytes;
    if (this.#bytes >= batchBytes) await this.#write();
  }

  async flush(): Promise<void> {
    await this.#write();
    await this.#writing;
  }

  async #write(): Promise<void> {
    await this.#writing;
    const pieces = this.#pieces;
    const bytes = this.#bytes;
    this.#pieces = [];
    this.#bytes = 0;
    this.#writing = this.#file
      .append(pieces, bytes)
      .then(() => this.#written(this.#file.sizeBytes));
    // Awaited at the next batch; without this a fault in between would be an unhandled rejection.
    this.#writing.catch(() => undefined);
  }
}

/** Aborts its signal when no byte came for `limitMs`. Messages without bytes do not count. */
class ByteWatchdog implements Disposable {
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #sinceLook = 0;
  #quietLooks = 0;
  #total = 0;

  constructor(limitMs: number) {
    const looks = 10;
    this.#timer = setInterval(() => {
      this.#quietLooks = this.#sinceLook > 0 ? 0 : this.#quietLooks + 1;
      this.#sinceLook = 0;
      if (this.#quietLooks >= looks) this.#abort.abort(this.#failure(limitMs));
    }, limitMs / looks);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  feed(bytes: number): void {
    this.#sinceLook += bytes;
    this.#total += bytes;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #failure(limitMs: number): Failure {
    const came = `no byte of the snapshot for ${formatDuration(limitMs)}`;
    return new Failure('stream-stalled', `${came}, after ${this.#total} bytes`);
  }
}
