/**
 * Reads what a store holds of a backup, to its last byte, however often the way to it breaks, and
 * compares it with what the manifest tells.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, toFailure } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { type ObjectName, objectName } from '../core/names.ts';
import type { Store } from '../store/port.ts';

type OnProgress = (doneBytes: number, totalBytes: number) => void;

export interface FetchOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: OnProgress;
}

/** Fine enough for a bar and for a slow line, coarse enough to cost nothing. */
export const tellEveryBytes = 4 * 1024 * 1024;

/** Passes on what is worth telling of a way: every few MiB, and its end. */
export function everyFewMiB(tell: OnProgress): OnProgress {
  let toldBytes = 0;
  return (doneBytes, totalBytes) => {
    if (doneBytes < totalBytes && Math.abs(doneBytes - toldBytes) < tellEveryBytes) return;
    toldBytes = doneBytes;
    tell(doneBytes, totalBytes);
  };
}

/**
 * Reads the stored bytes and compares their size and SHA-256 with the manifest. Throws
 * `object-damaged` when they differ, `object-missing`, or the store's own failure.
 */
export async function readBack(
  manifest: Manifest,
  store: Store,
  options: FetchOptions,
): Promise<void> {
  for await (const _ of storedBytes(manifest, store, options));
}

/** Throws behind the last byte where they are not those that the manifest tells of. */
export async function* storedBytes(
  manifest: Manifest,
  store: Store,
  options: FetchOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256');
  for await (const chunk of arrivingBytes(manifest, store, options)) {
    hash.update(chunk);
    yield chunk;
  }
  requireStored(hash.digest('hex'), manifest, store);
}

/**
 * As `storedBytes`, for who computes their SHA-256 anyway and holds it against the manifest: here
 * only their number is.
 */
export async function* arrivingBytes(
  { sealed: { object, sizeBytes } }: Manifest,
  store: Store,
  { signal, onProgress }: FetchOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  let readBytes = 0;
  for await (const chunk of resumed(store, objectName(object), sizeBytes, signal)) {
    readBytes += chunk.byteLength;
    yield chunk;
    onProgress?.(readBytes, sizeBytes);
  }
  if (readBytes === sizeBytes) return;
  const message = `${store.name}: ${object} has ${readBytes} bytes, not ${sizeBytes}`;
  const context = { store: store.name, object, readBytes, sizeBytes };
  throw new Failure('object-damaged', message, { context });
}

/** Throws `object-damaged` where the stored bytes have another SHA-256 than the manifest tells. */
export function requireStored(
  found: string,
  { sealed: { object, sha256 } }: Manifest,
  store: Pick<Store, 'name'>,
): void {
  if (found === sha256) return;
  const message = `${store.name}: ${object} has SHA-256 ${found}, not ${sha256}`;
  const context = { store: store.name, object, found, expected: sha256 };
  throw new Failure('object-damaged', message, { context });
}

const mostBreaks = 5;
const breakPauseMs = 500;

/** The bytes of an object, going on where they broke off as long as each try brings some more. */
async function* resumed(
  store: Store,
  name: ObjectName,
  sizeBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let readBytes = 0;
  for (let breaks = 0; ; ) {
    const range = readBytes === 0 ? {} : { range: { start: readBytes, end: sizeBytes } };
    try {
      for await (const chunk of store.get(name, { signal, ...range })) {
        readBytes += chunk.byteLength;
        breaks = 0;
        yield chunk;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      breaks += 1;
      const failure = toFailure(error, 'store-failed');
      const isBreak = failure.code === 'store-failed' || failure.code === 'timed-out';
      // What hung has taken its limit already: once more, and no longer.
      const most = failure.code === 'timed-out' ? 1 : mostBreaks;
      if (!isBreak || breaks > most || readBytes >= sizeBytes) throw failure;
      await sleep(breakPauseMs * breaks, undefined, { signal });
    }
  }
}
