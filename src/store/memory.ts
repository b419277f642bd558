/**
 * A store in memory: the honest fake that everything above the stores is tested with. It passes the
 * same contract as the real ones and is for tests and the demo only.
 */
import { Failure } from '../core/errors.ts';
import { type ObjectName, objectName } from '../core/names.ts';
import { checkedBody } from './body.ts';
import type { Body, ByteRange, ObjectFacts, PutFacts, Store } from './port.ts';
import { checkedPrefix, checkedRange } from './requests.ts';

export interface MemoryStoreOptions {
  readonly name?: string;
  readonly now?: () => Date;
}

export function memoryStore(options: MemoryStoreOptions = {}): Store {
  return new MemoryStore(options.name ?? 'memory', options.now ?? (() => new Date()));
}

interface StoredObject {
  readonly facts: ObjectFacts;
  readonly bytes: Buffer;
}

// Small enough that a reader of a megabyte sees several chunks, as it does with real stores.
const windowBytes = 256 * 1024;

class MemoryStore implements Store {
  readonly name: string;
  readonly #now: () => Date;
  readonly #objects = new Map<ObjectName, StoredObject>();

  constructor(name: string, now: () => Date) {
    this.name = name;
    this.#now = now;
  }

  describe(): string {
    return `memory ${this.name}`;
  }

  async put(name: ObjectName, body: Body, options: { signal: AbortSignal }): Promise<PutFacts> {
    objectName(name);
    const chunks: Uint8Array[] = [];
    // A copy of each chunk: the caller may use its buffer again.
    for await (const chunk of checkedBody(body, name, options.signal)) {
      chunks.push(Uint8Array.from(chunk));
    }
    options.signal.throwIfAborted();
    const bytes = Buffer.concat(chunks);
    const facts = { name, sizeBytes: bytes.byteLength, modifiedAt: this.#now() };
    this.#objects.set(name, { facts, bytes });
    return { compared: 'nothing' };
  }

  async *get(
    name: ObjectName,
    options: { signal: AbortSignal; range?: ByteRange },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    options.signal.throwIfAborted();
    const { bytes } = this.#find(name);
    const { start, end } = checkedRange(name, bytes.byteLength, options.range);
    // One window for all, as the port allows: who keeps a chunk without a copy shall notice here.
    const window = new Uint8Array(Math.min(windowBytes, end - start));
    for (let at = start; at < end; at += windowBytes) {
      options.signal.throwIfAborted();
      const chunk = bytes.subarray(at, Math.min(at + windowBytes, end));
      window.set(chunk);
      yield window.subarray(0, chunk.byteLength);
    }
  }

  async stat(name: ObjectName, options: { signal: AbortSignal }): Promise<ObjectFacts> {
    options.signal.throwIfAborted();
    return this.#find(name).facts;
  }

  async *list(
    prefix: string,
    options: { signal: AbortSignal },
  ): AsyncGenerator<ObjectFacts, void, undefined> {
    options.signal.throwIfAborted();
    checkedPrefix(prefix);
    const names = [...this.#objects.keys()].filter((name) => name.startsWith(prefix)).sort();
    for (const name of names) {
      options.signal.throwIfAborted();
      const found = this.#objects.get(name);
      if (found !== undefined) yield found.facts;
    }
  }

  async remove(name: ObjectName, options: { signal: AbortSignal }): Promise<void> {
    options.signal.throwIfAborted();
    this.#objects.delete(objectName(name));
  }

  async sweep(_olderThan: Date, options: { signal: AbortSignal }): Promise<number> {
    options.signal.throwIfAborted();
    return 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#objects.clear();
  }

  #find(name: ObjectName): StoredObject {
    const found = this.#objects.get(objectName(name));
    if (found !== undefined) return found;
    throw new Failure('object-missing', `${this.describe()} has no ${name}`, {
      context: { store: this.name, object: name },
    });
  }
}
