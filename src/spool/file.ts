/**
 * One snapshot on its way in: taken over at the speed of its sender, written behind, read by the
 * proof and the stores while it still grows, then removed.
 */
import { rm } from 'node:fs/promises';
import { Failure } from '../core/errors.ts';
import { DiskFile } from './disk-file.ts';
import { spoolFailure } from './failure.ts';
import { giveBack, ringBytes, takeRing } from './ring.ts';

/** Large enough to make system calls and messages between threads cheap. */
const stepBytes = 2 * 1024 * 1024;
const readBytes = 256 * 1024;
/** A disk that takes longer to remove a file hangs; nobody waits for it any more. */
const removalLimitMs = 5000;
/** How long a hurried sender may have waited in all for writes past the page cache. */
const patienceMs = 250;

export class SpoolFile implements AsyncDisposable {
  readonly ring = takeRing();
  /** Told now and then how many bytes were taken over. They will not change. */
  onAdvance: (takenBytes: number) => void = () => undefined;
  /**
   * A member's snapshot must not stay open for the disk: from some waiting on, a slow one gets the
   * page cache's help. Whoever can wait leaves the cache, and the work that it costs, to others.
   */
  isHurried = false;
  readonly #disk: DiskFile;
  #takenBytes = 0;
  #toldBytes = 0;
  #sizeBytes = 0;
  #waitedMs = 0;
  #flushing = false;
  #writing = false;
  #fault: unknown;
  #ended = false;
  #released = false;
  #wake: () => void = () => undefined;
  /** Wakes those that follow the file. */
  #grown = Promise.withResolvers<void>();

  private constructor(disk: DiskFile) {
    this.#disk = disk;
  }

  /** Makes the file, private to its owner. */
  static async create(path: string): Promise<SpoolFile> {
    return new SpoolFile(await DiskFile.create(path));
  }

  get path(): string {
    return this.#disk.path;
  }

  /** How much is in the file itself. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Whether a sender has to wait for the disk. */
  get isFull(): boolean {
    return this.#takenBytes - this.#sizeBytes >= ringBytes;
  }

  /** Takes pieces over, in order, waiting only while the disk is behind. One call at a time. */
  async append(pieces: readonly Uint8Array[], signal?: AbortSignal): Promise<void> {
    // Not into a ring that may be another file's by now.
    this.#throwFault();
    for (const piece of pieces) {
      for (let rest = piece; rest.byteLength > 0; ) {
        if (this.isFull) await this.#room(signal);
        const space = ringBytes - (this.#takenBytes - this.#sizeBytes);
        const taken = rest.byteLength <= space ? rest : rest.subarray(0, space);
        this.ring.put(this.#takenBytes, taken);
        this.#takenBytes += taken.byteLength;
        rest = rest.subarray(taken.byteLength);
        this.#write();
      }
    }
    if (this.#takenBytes - this.#toldBytes >= stepBytes) this.#tell();
    this.#throwFault();
  }

  /** Returns when everything that was taken over is in the file. */
  async flush(signal?: AbortSignal): Promise<void> {
    this.#flushing = true;
    this.#write();
    while (this.#sizeBytes < this.#takenBytes) await this.#change(signal);
    this.#throwFault();
    this.#flushing = false;
    this.#tell();
  }

  /** After a flush: nothing is appended any more. */
  end(): void {
    this.#ended = true;
    this.#tellFollowers();
  }

  /** Returns when every byte is on the disk. */
  async sync(): Promise<void> {
    this.#throwFault();
    await this.#disk.sync();
  }

  /**
   * All bytes of the file, waiting for those that are still to come; throws where they never come.
   * A chunk is overwritten when the next one is asked for.
   */
  async *bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    const window = Buffer.allocUnsafeSlow(readBytes);
    for (let at = 0; ; ) {
      this.#throwFault();
      const piece = window.subarray(0, Math.min(readBytes, this.#sizeBytes - at));
      if (piece.byteLength > 0) {
        if (!this.ring.copy(at, piece)) await this.#disk.read(piece, at);
        at += piece.byteLength;
        yield piece;
      } else if (this.#ended) return;
      else await this.#grown.promise;
    }
  }

  /** Removes the file; links that stores made to it stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { promise: limit, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, removalLimitMs);
    await Promise.race([rm(this.path, { force: true }), limit]).finally(() => clearTimeout(timer));
    await this.release();
  }

  /**
   * Closes the file and leaves it where it is: nothing can be appended, and a proof that follows it
   * must have ended. Safe to call twice.
   */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    this.#fault ??= new Failure('internal', `${this.path} was given up`);
    this.#tellFollowers();
    const closed = this.#disk.close();
    // A write may hang in the kernel, which reads the ring for it; nobody must wait for that.
    if (this.#writing) return;
    giveBack(this.ring);
    await closed;
  }

  #tell(): void {
    this.#toldBytes = this.#takenBytes;
    this.onAdvance(this.#takenBytes);
  }

  #tellFollowers(): void {
    this.#grown.resolve();
    this.#grown = Promise.withResolvers<void>();
  }

  async #room(signal: AbortSignal | undefined): Promise<void> {
    const startedMs = performance.now();
    while (this.isFull) await this.#change(signal);
    this.#waitedMs += performance.now() - startedMs;
    if (this.isHurried && this.#waitedMs >= patienceMs) this.#disk.useCache();
  }

  async #change(signal: AbortSignal | undefined): Promise<void> {
    this.#throwFault();
    signal?.throwIfAborted();
    const wake = Promise.withResolvers<void>();
    this.#wake = wake.resolve;
    signal?.addEventListener('abort', this.#wake, { once: true });
    await wake.promise;
    signal?.removeEventListener('abort', this.#wake);
    signal?.throwIfAborted();
  }

  #throwFault(): void {
    if (this.#fault !== undefined) throw this.#fault;
    this.#disk.throwLost();
  }

  /** Writes what lies ready, one write at a time, until too little is left to be worth it. */
  #write(): void {
    const readyBytes = this.#takenBytes - this.#sizeBytes;
    const leastBytes = this.#flushing ? 1 : stepBytes;
    if (this.#writing || this.#fault !== undefined || readyBytes < leastBytes) return;
    this.#writing = true;
    this.#writePiece()
      .catch((error: unknown) => {
        this.#fault ??= spoolFailure(error, `write ${this.path}`);
      })
      .finally(() => {
        this.#writing = false;
        this.#write();
        this.#wake();
        this.#tellFollowers();
      });
  }

  async #writePiece(): Promise<void> {
    const at = this.#sizeBytes;
    const piece = this.ring.piece(at, Math.min(this.#takenBytes, at + 2 * stepBytes));
    this.#sizeBytes += await this.#disk.write(piece, at);
  }
}
