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

export interface DrainOptions {
  /** Opens the stream; the signal it is given ends it. */
  readonly open: (signal: AbortSignal) => AsyncIterable<SnapshotMessage>;
  readonly file: SpoolFile;
  readonly signal: AbortSignal;
  /**
   * Without one new byte for this long the stream is given up: `stream-stalled`, or `spool-failed`
   * when it was the spool's disk that took none.
   */
  readonly stallTimeoutMs: number;
  /** Called every few MiB. `totalBytes` is the database without the trailer. */
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
  const { file, stallTimeoutMs } = options;
  using watchdog = new ByteWatchdog(stallTimeoutMs, file);
  const signal = AbortSignal.any([options.signal, watchdog.signal]);
  const rules = new SnapshotStreamRules();
  file.isHurried = true;
  file.onAdvance = (doneBytes) => options.onProgress(doneBytes, rules.databaseBytes ?? 0);
  let storageVersion: string | undefined;
  for await (const message of options.open(signal)) {
    rules.accept(message);
    watchdog.feed(message.blobBytes);
    storageVersion ??= message.version;
    await file.append(message.blob, signal);
  }
  signal.throwIfAborted();
  watchdog.streamEnded = true;
  await file.flush(signal);
  const sizes = rules.end();
  file.end();
  return { ...sizes, storageVersion };
}

/** Aborts its signal when no byte came for `limitMs`. Messages without bytes do not count. */
class ByteWatchdog implements Disposable {
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #file: SpoolFile;
  /** From then on only the disk is waited for. */
  streamEnded = false;
  #sinceLook = 0;
  #quietLooks = 0;
  #total = 0;

  constructor(limitMs: number, file: SpoolFile) {
    const looks = 10;
    this.#file = file;
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
    const limit = formatDuration(limitMs);
    if (this.streamEnded || this.#file.isFull) {
      const { path, sizeBytes } = this.#file;
      const took = `the disk took no byte for ${limit}, after ${sizeBytes} bytes`;
      return new Failure('spool-failed', `cannot write ${path}: ${took}`);
    }
    const came = `no byte of the snapshot for ${limit}`;
    return new Failure('stream-stalled', `${came}, after ${this.#total} bytes`);
  }
}
