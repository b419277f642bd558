/**
 * A store in a directory of this host. Files are 0600 and folders 0700: a backup holds every
 * secret of the cluster. Any number of processes may use one directory.
 *
 * A file system cannot hold an object `a` beside an object `a/b`; the second put fails. A call of
 * the operating system that hangs (a hard NFS mount) hangs here too: no signal can end it. What can
 * hang belongs into a process of its own: see `nfs/`.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../core/errors.ts';
import { type ObjectName, objectName } from '../core/names.ts';
import { examinePlace } from './file-examine.ts';
import { attempt, attemptTwice, isAbsent, isStale, isTaken, placeText } from './file-failures.ts';
import { putFile, syncFolder } from './file-put.ts';
import { FileRoot } from './file-root.ts';
import { factsOf, sweepUnfinished, walkObjects } from './file-walk.ts';
import type {
  Body,
  ByteRange,
  Examined,
  ObjectFacts,
  PutFacts,
  PutOptions,
  Store,
} from './port.ts';
import { checkedPrefix, checkedRange, objectExists } from './requests.ts';

export interface FileStoreOptions {
  readonly name: string;
  /** Absolute. Made (0700) at first use if its parent exists. */
  readonly root: string;
  /**
   * A directory that must be a mount point whenever the store is used. Without it, the mount point
   * of the root at first use must stay one: enough for a disk lost later, not for one that was
   * never mounted.
   */
  readonly mountPoint?: string | undefined;
  /**
   * `nfs`: the root must lie on NFS, or below `mountPoint`, and large bodies are synced on the way.
   * `file` unless given.
   */
  readonly kind?: 'file' | 'nfs';
}

/** Touches nothing until it is used: a disk that is not there fails the calls of its store only. */
export function fileStore(options: FileStoreOptions): Required<Store> {
  return new FileStore(options);
}

// 256 KiB: few enough calls that reading is as fast as the disk. Each window is garbage once it is
// read, and larger ones pile up to tens of megabytes before they are collected.
const windowBytes = 256 * 1024;

class FileStore implements Required<Store> {
  readonly name: string;
  readonly kind: 'file' | 'nfs';
  readonly root: string;
  readonly #root: FileRoot;
  readonly #unfinished = new Set<string>();

  constructor(options: FileStoreOptions) {
    this.name = options.name;
    this.root = options.root;
    this.kind = options.kind ?? 'file';
    this.#root = new FileRoot({ ...options, kind: this.kind });
  }

  describe(): string {
    return `${this.kind} ${this.root}`;
  }

  async put(name: ObjectName, body: Body, options: PutOptions): Promise<PutFacts> {
    await this.#ready(options.signal);
    const { name: store, kind, root } = this;
    const target = { name: store, kind, root, unfinished: this.#unfinished };
    try {
      return await putFile(target, objectName(name), body, options);
    } catch (thrown) {
      if (options.onlyNew === true && isTaken(thrown)) throw objectExists(this, name, thrown);
      throw thrown;
    }
  }

  async *get(
    name: ObjectName,
    options: { signal: AbortSignal; range?: ByteRange },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    await this.#ready(options.signal);
    let begun = false;
    try {
      for await (const chunk of this.#read(objectName(name), options)) {
        begun = true;
        yield chunk;
      }
    } catch (thrown) {
      // Opened anew it may be another object by now: only where nothing was given yet.
      if (begun || !isStale(thrown)) throw thrown;
      yield* this.#read(objectName(name), options);
    }
  }

  async *#read(
    name: ObjectName,
    options: { signal: AbortSignal; range?: ByteRange },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const handle = await this.#openToRead(name);
    try {
      const facts = await attempt(this, 'read', name, () => handle.stat());
      if (!facts.isFile()) throw this.#missing(name);
      const { start, end } = checkedRange(name, facts.size, options.range);
      const window = Buffer.allocUnsafeSlow(Math.min(windowBytes, end - start));
      for (let at = start; at < end; ) {
        options.signal.throwIfAborted();
        const chunk = await this.#readChunk(handle, name, at, window.subarray(0, end - at));
        at += chunk.byteLength;
        yield chunk;
      }
    } finally {
      await handle.close().catch(() => {});
    }
  }

  async stat(name: ObjectName, options: { signal: AbortSignal }): Promise<ObjectFacts> {
    await this.#ready(options.signal);
    const facts = await factsOf(this, objectName(name));
    if (facts === undefined) throw this.#missing(name);
    return facts;
  }

  async *list(
    prefix: string,
    options: { signal: AbortSignal },
  ): AsyncGenerator<ObjectFacts, void, undefined> {
    const { folder, rest } = checkedPrefix(prefix);
    await this.#ready(options.signal);
    yield* walkObjects(this, folder, rest, options.signal);
  }

  async remove(name: ObjectName, options: { signal: AbortSignal }): Promise<void> {
    await this.#ready(options.signal);
    if ((await factsOf(this, objectName(name))) === undefined) return;
    const path = join(this.root, name);
    await attempt(this, 'remove', path, () => rm(path, { force: true }));
    // A manifest must be gone for good before its data goes: after a power cut, data without a
    // manifest is an orphan, a manifest without data is a backup that cannot be restored.
    await attempt(this, 'sync', dirname(path), () => syncFolder(dirname(path)));
  }

  async sweep(olderThan: Date, options: { signal: AbortSignal }): Promise<number> {
    await this.#ready(options.signal);
    return sweepUnfinished(this, olderThan, this.#unfinished, options.signal);
  }

  async examine(_probe: ObjectName, { signal }: { signal: AbortSignal }): Promise<Examined> {
    await this.#ready(signal);
    return examinePlace(this, this.#unfinished);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is kept open between calls.
  }

  async #ready(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#root.ready();
  }

  async #openToRead(name: ObjectName): Promise<FileHandle> {
    const path = join(this.root, name);
    // Neither follow a link out of the store, nor wait for the other end of a named pipe.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    try {
      return await attemptTwice(this, 'read', path, () => open(path, flags));
    } catch (thrown) {
      if (isAbsent(thrown)) throw this.#missing(name, thrown);
      throw thrown;
    }
  }

  async #readChunk(
    handle: FileHandle,
    name: ObjectName,
    at: number,
    into: Uint8Array,
  ): Promise<Uint8Array> {
    const path = join(this.root, name);
    const { bytesRead } = await attempt(this, 'read', path, () =>
      handle.read(into, 0, into.byteLength, at),
    );
    if (bytesRead > 0) return into.subarray(0, bytesRead);
    const message = `${placeText(this)}: ${path} shrank to ${at} bytes`;
    throw new Failure('object-damaged', message, { context: { store: this.name, object: name } });
  }

  #missing(name: ObjectName, cause?: unknown): Failure {
    const path = join(this.root, name);
    const message = `${placeText(this)}: there is no ${path}`;
    return new Failure('object-missing', message, {
      cause,
      context: { store: this.name, object: name },
    });
  }
}
