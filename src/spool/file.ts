/**
 * One snapshot on its way in: appended to, synced, linked or read by the stores, then removed.
 */
import { type FileHandle, rm } from 'node:fs/promises';
import { Failure } from '../core/errors.ts';
import { spoolFailure } from './failure.ts';

/** Written-back early, in the background, so that the sync at the end finds little to do. */
const syncEveryBytes = 64 * 1024 * 1024;

export class SpoolFile implements AsyncDisposable {
  readonly path: string;
  readonly #handle: FileHandle;
  #sizeBytes = 0;
  #syncedBytes = 0;
  #syncing: Promise<void> | undefined;
  #syncFault: unknown;

  constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Appends all pieces, in order. One append at a time. */
  async append(pieces: readonly Uint8Array[], bytes: number): Promise<void> {
    try {
      const { bytesWritten } = await this.#handle.writev([...pieces], this.#sizeBytes);
      if (bytesWritten !== bytes) {
        throw new Failure('spool-full', `${this.path}: ${bytesWritten} of ${bytes} bytes written`);
      }
    } catch (error) {
      throw spoolFailure(error, `write ${this.path}`);
    }
    this.#sizeBytes += bytes;
    if (this.#sizeBytes - this.#syncedBytes >= syncEveryBytes) this.#syncBehind();
  }

  /** Returns when every byte is on the disk. */
  async sync(): Promise<void> {
    await this.#syncing;
    try {
      if (this.#syncFault !== undefined) throw this.#syncFault;
      await this.#handle.sync();
    } catch (error) {
      throw spoolFailure(error, `sync ${this.path}`);
    }
  }

  /** Removes the file; links that stores made to it stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#syncing;
    await this.#handle.close();
    await rm(this.path, { force: true });
  }

  #syncBehind(): void {
    if (this.#syncing !== undefined) return;
    this.#syncedBytes = this.#sizeBytes;
    this.#syncing = this.#handle
      .datasync()
      // Kept for sync(): the kernel reports a lost write-back once, and this call has used it up.
      .catch((error: unknown) => {
        this.#syncFault = error;
      })
      .finally(() => {
        this.#syncing = undefined;
      });
  }
}
