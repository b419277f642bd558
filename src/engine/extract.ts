/** The live keys of a backup or of a snapshot file, once it is proved. */
import { setImmediate as turn } from 'node:timers/promises';
import { Failure, toFailure } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { isOfOneCopy } from '../core/reading.ts';
import { fileSource } from '../format/file-source.ts';
import { type StoredKey, StoredKeys } from '../format/stored-keys.ts';
import type { ProvedFile } from '../spool/prover.ts';
import { candidates, type Wanted } from './candidates.ts';
import type { EngineDeps } from './deps.ts';
import { fetchProved } from './fetch.ts';
import type { FetchOptions } from './read-back.ts';

/** A proved snapshot on this host. Disposing removes what was fetched for it. */
export interface OpenedSnapshot extends AsyncDisposable {
  /** Null: a file, of which nothing but its content is known. */
  readonly manifest: Manifest | null;
  /** Its live keys that begin with `prefix`, in the order of their bytes. */
  keys(
    prefix: Uint8Array,
    options: { readonly signal: AbortSignal },
  ): AsyncGenerator<StoredKey, void, undefined>;
  valueOf(stored: StoredKey): Uint8Array;
}

/** Asked before anything is fetched; throws when the backup is not wanted. Null: a file. */
export type Approve = (manifest: Manifest | null) => Promise<void>;

export type ExtractDeps = Pick<
  EngineDeps,
  | 'shelves'
  | 'openCatalog'
  | 'clusterName'
  | 'now'
  | 'spool'
  | 'prove'
  | 'observe'
  | 'identities'
  | 'trust'
>;

/**
 * Fetches the backup from the first store whose copy proves sound. Never takes another backup than
 * the wanted one: older keys would look like the right ones. Throws `backup-missing`, the failures
 * of `fetchProved`, or those of the stores.
 */
export async function openBackup(
  wanted: Wanted,
  deps: ExtractDeps,
  options: FetchOptions & { readonly approve?: Approve },
): Promise<OpenedSnapshot> {
  const found = await candidates(wanted, deps, options.signal);
  const id = found[0]?.manifest.id;
  let failure: Failure | undefined;
  for (const { manifest, shelf } of found.filter((one) => one.manifest.id === id)) {
    await options.approve?.(manifest);
    try {
      const fetched = await fetchProved(manifest, shelf.store, deps, options);
      return openProved(fetched.file.path, fetched.proved, manifest, fetched);
    } catch (error) {
      options.signal.throwIfAborted();
      const fault = toFailure(error);
      if (!isOfOneCopy(fault)) throw fault;
      failure ??= fault;
    }
  }
  throw failure ?? new Failure('internal', 'there was no candidate');
}

/** Proves a snapshot file where it lies. Throws `snapshot-corrupt`. */
export async function openSnapshotFile(
  { path, sizeBytes }: { readonly path: string; readonly sizeBytes: number },
  { prove }: Pick<EngineDeps, 'prove'>,
): Promise<OpenedSnapshot> {
  await using prover = prove({ path });
  const proved = await prover.finish(sizeBytes);
  return openProved(path, proved, null, { [Symbol.asyncDispose]: async () => undefined });
}

function openProved(
  path: string,
  { facts }: ProvedFile,
  manifest: Manifest | null,
  fetched: AsyncDisposable,
): OpenedSnapshot {
  const source = fileSource(path);
  const stored = new StoredKeys(source, facts.databaseBytes);
  return {
    manifest,
    keys: (prefix, { signal }) => inTurns(stored.below(prefix), signal),
    valueOf: (key) => stored.valueOf(key),
    async [Symbol.asyncDispose]() {
      source[Symbol.dispose]();
      await fetched[Symbol.asyncDispose]();
    },
  };
}

/** Long enough to be no burden, short enough for a signal to be heard at once. */
const turnMs = 20;

async function* inTurns(
  keys: Generator<StoredKey | undefined, void, undefined>,
  signal: AbortSignal,
): AsyncGenerator<StoredKey, void, undefined> {
  let startedMs = performance.now();
  for (const key of keys) {
    if (performance.now() - startedMs > turnMs) {
      await turn();
      signal.throwIfAborted();
      startedMs = performance.now();
    }
    if (key !== undefined) yield key;
  }
}
