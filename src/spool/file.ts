/**
 * One snapshot on its way in: taken over at the speed of its sender, written behind, read by the
 * proof and the stores, then removed. Written past the page cache where the file system can, so
 * that a backup does not push the database of the etcd beside it out of memory.
 */
import { constants, type FileHandle, open, rm } from 'node:fs/promises';
import { Failure, systemCode } from '../core/errors.ts';
import { spoolFailure } from './failure.ts';
import { alignmentBytes, giveBack, ringBytes, takeRing } from './ring.ts';

/** Large enough to make system calls and messages between threads cheap. */
const stepBytes = 2 * 1024 * 1024;
const readBytes = 256 * 1024;
/** A disk that takes longer to remove a file hangs; nobody waits for it any more. */
const removalLimitMs = 5000;
/**
 * How long the sender may have waited in all for writes past the page cache. A disk that is slower
 * than the member gets the page cache's help from then on: an open snapshot must not wait for it.
 */
const patienceMs = 250;
/** What the page cache holds is written back early, so that the sync at the end finds little. */
const syncEveryBytes = 64 * 1024 * 1024;

export class SpoolFile implements AsyncDisposable {
  readonly path: string;
  readonly ring = takeRing();
  /** Told now and then how many bytes were taken over. They will not change. */
  onAdvance: (takenBytes: number) => void = () => undefined;
  readonly #handle: FileHandle;
  /** The same file, past the page cache. */
  readonly #direct: FileHandle | undefined;
  #isDirect: boolean;
  #takenBytes = 0;
  #toldBytes = 0;
  #sizeBytes = 0;
  #waitedMs = 0;
  #flushing = false;
  #writing = false;
  #syncing: Promise<void> | undefined;
  #syncedBytes = 0;
  #fault: unknown;
  #released = false;
  #wake: () => void = () => undefined;

  private constructor(path: string, handle: FileHandle, direct: FileHandle | undefined) {
    this.path = path;
    this.#handle = handle;
    this.#direct = direct;
    this.#isDirect = direct !== undefined;
  }

  /** Makes the file, private to its owner. */
  static async create(path: string): Promise<SpoolFile> {
    const handle = await open(path, 'wx+', 0o600);
    // Not every file system can: then the page cache is used from the beginning.
    const direct = await open(path, constants.O_WRONLY | constants.O_DIRECT).catch(() => undefined);
    return new SpoolFile(path, handle, direct);
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

  /** Returns when every byte is on the disk. */
  async sync(): Promise<void> {
    await this.#syncing;
    this.#throwFault();
    try {
      await this.#handle.sync();
    } catch (error) {
      throw spoolFailure(error, `sync ${this.path}`);
    }
  }

  /** All bytes of the finished file. A chunk is overwritten when the next one is asked for. */
  async *bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    const window = Buffer.allocUnsafeSlow(readBytes);
    for (let at = 0; at < this.#sizeBytes; ) {
      const { bytesRead } = await this.#handle
        .read(window, 0, Math.min(readBytes, this.#sizeBytes - at), at)
        .catch((error: unknown) => {
          throw spoolFailure(error, `read ${this.path}`);
        });
      if (bytesRead === 0) throw new Failure('spool-failed', `${this.path} shrank to ${at} bytes`);
      at += bytesRead;
      yield window.subarray(0, bytesRead);
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
    const closed = Promise.all([this.#handle.close(), this.#direct?.close()]);
    closed.catch(() => undefined);
    // A write may hang in the kernel, which reads the ring for it; nobody must wait for that.
    if (this.#writing) return;
    giveBack(this.ring);
    if (this.#syncing === undefined) await closed;
  }

  #tell(): void {
    this.#toldBytes = this.#takenBytes;
    this.onAdvance(this.#takenBytes);
  }

  async #room(signal: AbortSignal | undefined): Promise<void> {
    const startedMs = performance.now();
    while (this.isFull) await this.#change(signal);
    this.#waitedMs += performance.now() - startedMs;
    if (this.#waitedMs >= patienceMs) this.#isDirect = false;
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
      });
  }

  async #writePiece(): Promise<void> {
    const at = this.#sizeBytes;
    const piece = this.ring.piece(at, Math.min(this.#takenBytes, at + 2 * stepBytes));
    const alignedBytes = piece.byteLength - (piece.byteLength % alignmentBytes);
    const isDirect = this.#isDirect && alignedBytes > 0 && at % alignmentBytes === 0;
    const bytesWritten = isDirect
      ? await this.#writeDirect(piece.subarray(0, alignedBytes), at)
      : await this.#writeCached(piece, at);
    this.#sizeBytes += bytesWritten;
  }

  /** Returns 0 when the file system will not have it this way after all. */
  async #writeDirect(piece: Uint8Array, at: number): Promise<number> {
    try {
      return (await this.#direct?.write(piece, 0, piece.byteLength, at))?.bytesWritten ?? 0;
    } catch (error) {
      if (systemCode(error) !== 'EINVAL') throw error;
      this.#isDirect = false;
      return 0;
    }
  }

  async #writeCached(piece: Uint8Array, at: number): Promise<number> {
    const { bytesWritten } = await this.#handle.write(piece, 0, piece.byteLength, at);
    if (bytesWritten === 0) throw new Failure('spool-full', `${this.path} takes no more bytes`);
    if (at - this.#syncedBytes >= syncEveryBytes) this.#syncBehind();
    return bytesWritten;
  }

  #syncBehind(): void {
    if (this.#syncing !== undefined) return;
    this.#syncedBytes = this.#sizeBytes;
    this.#syncing = this.#handle
      .datasync()
      // Kept: the kernel reports a lost write-back once, and this call has used it up.
      .catch((error: unknown) => {
        this.#fault ??= spoolFailure(error, `sync ${this.path}`);
      })
      .finally(() => {
        this.#syncing = undefined;
      });
  }
}
