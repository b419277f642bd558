/**
 * A spool file as the disk knows it: written past the page cache where the file system can, so that
 * a backup does not push the database of the etcd beside it out of memory.
 */
import { constants, type FileHandle, open } from 'node:fs/promises';
import { Failure, systemCode } from '../core/errors.ts';
import { spoolFailure } from './failure.ts';
import { alignmentBytes } from './ring.ts';

/** What the page cache holds is written back early, so that the sync at the end finds little. */
const syncEveryBytes = 64 * 1024 * 1024;

export class DiskFile {
  readonly path: string;
  readonly #handle: FileHandle;
  /** The same file, past the page cache. */
  readonly #direct: FileHandle | undefined;
  #isDirect: boolean;
  #syncing: Promise<void> | undefined;
  #syncedBytes = 0;
  /** The kernel reports a lost write-back once: it is kept for all who ask later. */
  #lost: unknown;

  private constructor(path: string, handle: FileHandle, direct: FileHandle | undefined) {
    this.path = path;
    this.#handle = handle;
    this.#direct = direct;
    this.#isDirect = direct !== undefined;
  }

  /** Makes the file, private to its owner. */
  static async create(path: string): Promise<DiskFile> {
    const handle = await open(path, 'wx+', 0o600);
    // Not every file system can: then the page cache is used from the beginning.
    const direct = await open(path, constants.O_WRONLY | constants.O_DIRECT).catch(() => undefined);
    return new DiskFile(path, handle, direct);
  }

  /** From now on with the page cache's help. */
  useCache(): void {
    this.#isDirect = false;
  }

  /** Writes some of the bytes, from the first on; returns how many. 0: ask again. */
  async write(piece: Uint8Array, at: number): Promise<number> {
    this.throwLost();
    const alignedBytes = piece.byteLength - (piece.byteLength % alignmentBytes);
    const isDirect = this.#isDirect && alignedBytes > 0 && at % alignmentBytes === 0;
    return isDirect
      ? this.#writeDirect(piece.subarray(0, alignedBytes), at)
      : this.#writeCached(piece, at);
  }

  /** Fills `into` with the bytes from `at` on. */
  async read(into: Uint8Array, at: number): Promise<void> {
    for (let read = 0; read < into.byteLength; ) {
      const rest = into.subarray(read);
      const { bytesRead } = await this.#handle
        .read(rest, 0, rest.byteLength, at + read)
        .catch((error: unknown) => {
          throw spoolFailure(error, `read ${this.path}`);
        });
      if (bytesRead === 0)
        throw new Failure('spool-failed', `${this.path} shrank to ${at + read} bytes`);
      read += bytesRead;
    }
  }

  /** Returns when every byte is on the disk. */
  async sync(): Promise<void> {
    await this.#syncing;
    this.throwLost();
    try {
      await this.#handle.sync();
    } catch (error) {
      throw spoolFailure(error, `sync ${this.path}`);
    }
  }

  throwLost(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** Waits for the disk only where nothing of it is under way. */
  async close(): Promise<void> {
    const closed = Promise.all([this.#handle.close(), this.#direct?.close()]);
    closed.catch(() => undefined);
    if (this.#syncing === undefined) await closed;
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
    if (at - this.#syncedBytes >= syncEveryBytes) this.#syncBehind(at);
    return bytesWritten;
  }

  #syncBehind(at: number): void {
    if (this.#syncing !== undefined) return;
    this.#syncedBytes = at;
    this.#syncing = this.#handle
      .datasync()
      .catch((error: unknown) => {
        this.#lost ??= spoolFailure(error, `sync ${this.path}`);
      })
      .finally(() => {
        this.#syncing = undefined;
      });
  }
}
