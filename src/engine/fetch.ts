/**
 * The road back from a store: reads what it holds, compares every byte with what was proved when
 * the backup was taken, and where asked proves the content again as if it had just been drained.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, toFailure } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { type ObjectName, objectName } from '../core/names.ts';
import type { SpoolFile } from '../spool/file.ts';
import type { ProvedFile, Prover } from '../spool/prover.ts';
import type { Store } from '../store/port.ts';
import type { EngineDeps } from './deps.ts';

export interface FetchOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** A backup's snapshot in the spool, proved. Disposing ends the thread and removes the file. */
export interface FetchedSnapshot extends AsyncDisposable {
  readonly file: SpoolFile;
  readonly prover: Prover;
  readonly proved: ProvedFile;
}

/**
 * Reads the stored bytes and compares their size and SHA-256 with the manifest. Throws
 * `object-damaged` when they differ, `object-missing`, or the store's own failure.
 */
export async function readBack(
  manifest: Manifest,
  store: Store,
  options: FetchOptions,
  sink?: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  const { object, sizeBytes, sha256 } = manifest.sealed;
  const hash = createHash('sha256');
  let readBytes = 0;
  for await (const chunk of resumed(store, objectName(object), sizeBytes, options.signal)) {
    hash.update(chunk);
    readBytes += chunk.byteLength;
    await sink?.(chunk);
    options.onProgress?.(readBytes, sizeBytes);
  }
  const found = hash.digest('hex');
  if (readBytes === sizeBytes && found === sha256) return;
  const expected = `${sizeBytes} bytes with SHA-256 ${sha256}`;
  throw new Failure(
    'object-damaged',
    `${store.name}: ${object} has ${readBytes} bytes with SHA-256 ${found}, not ${expected}`,
    { context: { store: store.name, object, readBytes, sizeBytes, found, expected: sha256 } },
  );
}

/**
 * Fetches a backup into the spool and proves it page by page. Throws `object-damaged` when the
 * store holds other bytes or the manifest tells of another database, `snapshot-corrupt` when the
 * database has a fault, `object-missing`, `spool-full`, or the failure of the store or the spool.
 * Whatever it throws, nothing is left in the spool.
 */
export async function fetchProved(
  manifest: Manifest,
  store: Store,
  deps: Pick<EngineDeps, 'spool' | 'prove'>,
  options: FetchOptions,
): Promise<FetchedSnapshot> {
  await using opened = new AsyncDisposableStack();
  const file = opened.use(await deps.spool.create(manifest.raw.sizeBytes));
  const prover = opened.use(deps.prove(file));
  file.onAdvance = (sizeBytes) => prover.advance(sizeBytes);
  await fetchInto(file, manifest, store, options);
  const proved = await proveSame(prover, file, manifest, store, options.signal);
  const kept = opened.move();
  return { file, prover, proved, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Fetches the stored bytes into a file, comparing them with the manifest on the way. */
export async function fetchInto(
  file: SpoolFile,
  manifest: Manifest,
  store: Store,
  options: FetchOptions,
): Promise<void> {
  await readBack(manifest, store, options, (chunk) => file.append([chunk], options.signal));
  await file.flush(options.signal);
}

/**
 * Proves the fetched file and that it is the database that the manifest tells of. The proof of a
 * large one takes a while, so it ends with the signal.
 */
export async function proveSame(
  prover: Prover,
  file: SpoolFile,
  manifest: Manifest,
  store: Store,
  signal: AbortSignal,
): Promise<ProvedFile> {
  const end = (): void => void prover[Symbol.asyncDispose]();
  signal.addEventListener('abort', end, { once: true });
  try {
    signal.throwIfAborted();
    const proved = await prover.finish(file.sizeBytes);
    const hash = await prover.hashKv(manifest.hashKv);
    requireSame(manifest, proved, hash, store);
    return proved;
  } finally {
    signal.removeEventListener('abort', end);
  }
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
      if (!isBreak || breaks > mostBreaks || readBytes >= sizeBytes) throw failure;
      await sleep(breakPauseMs * breaks, undefined, { signal });
    }
  }
}

/** The bytes are those that were stored; the manifest must speak of the same database. */
function requireSame(
  manifest: Manifest,
  { facts }: ProvedFile,
  hashKv: number,
  store: Store,
): void {
  const differences = [
    facts.statusHash === manifest.statusHash ? [] : ['status hash'],
    facts.revision === manifest.revision ? [] : ['revision'],
    facts.totalRows === manifest.totalRows ? [] : ['total rows'],
    facts.keys === manifest.keys ? [] : ['keys'],
    hashKv === manifest.hashKv.hash ? [] : ['HashKV'],
  ].flat();
  if (differences.length === 0) return;
  const what = differences.join(', ');
  throw new Failure('object-damaged', `${store.name}: the manifest tells another ${what}`);
}
