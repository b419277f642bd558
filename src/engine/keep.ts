/**
 * Keeps a proved snapshot in every store at once. Each store stands alone: the data goes in, what
 * the store holds is compared with what was sent, and only then the manifest makes it a backup.
 */
import { Failure, toFailure } from '../core/errors.ts';
import type { RunResult } from '../core/events.ts';
import { isProved, type Manifest, type Proof } from '../core/manifest.ts';
import type { EngineDeps, Shelf } from './deps.ts';
import { readBack } from './read-back.ts';
import type { Parcel, Sending } from './sending.ts';
import { newestBackup } from './stock.ts';

export interface Kept {
  readonly result: Extract<RunResult, 'success' | 'partial'>;
  readonly shelves: readonly Shelf[];
  readonly failures: ReadonlyMap<string, Failure>;
}

/** Throws the first store's failure when no store has the backup. */
export async function keepEverywhere(
  draft: Manifest,
  sending: Sending,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<Kept> {
  const parcels = await sending.release(draft.sealed.sizeBytes);
  const shelves: Shelf[] = [];
  const failures = new Map<string, Failure>();
  await Promise.all(
    parcels.map(async (parcel) => {
      const { name } = parcel.shelf.store;
      try {
        await keep(draft, parcel, deps, signal);
        shelves.push(parcel.shelf);
      } catch (error) {
        const failure = toFailure(error, 'store-failed');
        failures.set(name, failure);
        deps.observe({ kind: 'backup-not-stored', store: name, id: draft.id, failure });
      }
    }),
  );
  signal.throwIfAborted();
  const [first] = failures.values();
  if (shelves.length === 0) {
    throw first ?? new Failure('internal', 'there is no store to keep the backup in');
  }
  return { result: failures.size === 0 ? 'success' : 'partial', shelves, failures };
}

async function keep(
  draft: Manifest,
  { shelf: { store }, put, advance }: Parcel,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<void> {
  const startedMs = performance.now();
  const { compared } = await put;
  if (compared === 'nothing') {
    const onProgress = (done: number, total: number) => advance(total + done, total * 2);
    await readBack(draft, store, { signal, onProgress });
  }
  const how = compared === 'nothing' ? 'read back' : compared;
  const evidence = { compared: how, sizeBytes: draft.sealed.sizeBytes };
  const stored: Proof = { at: deps.now(), outcome: 'passed', evidence };
  const manifest: Manifest = {
    ...draft,
    finishedAt: deps.now(),
    proofs: { ...draft.proofs, stored },
  };
  await deps.openCatalog(store, draft.cluster.id).commit(manifest, { signal });
  deps.observe({
    kind: 'backup-committed',
    store: store.name,
    backup: newestBackup(manifest),
    proved: isProved(manifest),
    tookMs: Math.round(performance.now() - startedMs),
  });
}
