/** Bytes, bodies and readings for the store contract. */
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type ObjectName, objectName } from '../../src/core/names.ts';
import type { Body, Store } from '../../src/store/port.ts';

/** For calls that nobody aborts. */
export const { signal } = new AbortController();

/** Later than any object a test can make, whatever the store's clock says. */
export const farFuture = new Date('2200-01-01T00:00:00Z');

export const named = (text: string): ObjectName => objectName(text);

/** A new seed for every run unless CONTRACT_SEED repeats one; titles show it. */
export const seed = Number(process.env.CONTRACT_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Numbers from 0 up to and without `below`; the same seed gives the same numbers. */
export function numbersFrom(start: number): (below: number) => number {
  let state = start >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** No two windows of these bytes are alike. */
export function bytesOf(sizeBytes: number, start: number): Buffer {
  const next = numbersFrom(start);
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; at += 1) bytes[at] = next(256);
  return bytes;
}

export function bodyOf(bytes: Uint8Array, chunkBytes = 64 * 1024): Body {
  return {
    sizeBytes: bytes.byteLength,
    async *open() {
      for (let at = 0; at < bytes.byteLength; at += chunkBytes) {
        yield bytes.subarray(at, at + chunkBytes);
      }
    },
  };
}

/** A body that gives `chunks` and then calls `end`, which may throw or never return. */
export function bodyThat(
  sizeBytes: number,
  chunks: readonly Uint8Array[],
  end: () => Promise<void> = async () => {},
): Body & { readonly opened: number } {
  let opened = 0;
  return {
    sizeBytes,
    get opened() {
      return opened;
    },
    open() {
      opened += 1;
      return (async function* () {
        yield* chunks;
        await end();
      })();
    },
  };
}

export function putBytes(store: Store, name: string, bytes: Uint8Array | string): Promise<unknown> {
  return store.put(named(name), bodyOf(Buffer.from(bytes)), { signal });
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

export async function readBytes(
  store: Store,
  name: string,
  range?: { start: number; end: number },
): Promise<Buffer> {
  const options = range === undefined ? { signal } : { signal, range };
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.get(named(name), options)) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

export async function namesIn(store: Store, prefix = ''): Promise<string[]> {
  return (await collect(store.list(prefix, { signal }))).map(({ name }) => name);
}

/** An abort whose reason can be recognised, shortly after the wait has begun. */
export function abortSoon(reason: Error): AbortSignal {
  const controller = new AbortController();
  void sleep(30).then(() => controller.abort(reason));
  return controller.signal;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes held by the process, without what only waits to be collected. */
export function heldBytes(): number {
  collectGarbage();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}
