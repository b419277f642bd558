/**
 * Keeps a proved snapshot in every store at once. Each store stands alone: the data goes in, what
 * the store holds is compared with what was sent, and only then the manifest makes it a backup.
 */
import { Failure, toFailure } from '../core/errors.ts';
import type { RunResult } from '../core/events.ts';
import { isProved, type Manifest, type Proof } from '../core/manifest.ts';
import { objectName } from '../core/names.ts';
import type { SpoolFile } from '../spool/file.ts';
import type { Body } from '../store/port.ts';
import type { EngineDeps, Shelf } from './deps.ts';
import { type FetchOptions, readBack } from './read-back.ts';
import { newestBackup } from './stock.ts';

export interface Kept {
  readonly result: Extract<RunResult, 'success' | 'partial'>;
  readonly shelves: readonly Shelf[];
  readonly failures: ReadonlyMap<string, Failure>;
}

/** Throws the first store's failure when no store has the backup. */
export async function keepEverywhere(
  draft: Manifest,
  file: SpoolFile,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<Kept> {
  await file.sync();
  const shelves: Shelf[] = [];
  const failures = new Map<string, Failure>();
  const advances = tellTogether(deps, file.sizeBytes);
  await Promise.all(
    deps.shelves.map(async (shelf, at) => {
      const { name } = shelf.store;
      try {
        await keep(draft, file, shelf, deps, advances[at] as Advance, signal);
        shelves.push(shelf);
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
  file: SpoolFile,
  shelf: Shelf,
  deps: EngineDeps,
  advance: Advance,
  signal: AbortSignal,
): Promise<void> {
  const { store } = shelf;
  const startedMs = performance.now();
  const body = bodyOf(file, advance);
  const { compared } = await store.put(objectName(draft.sealed.object), body, { signal });
  if (compared === 'nothing') {
    const onProgress: Advance = (done, total) => advance(total + done, total * 2);
    await readBack(draft, store, { signal, onProgress });
  }
  const how = compared === 'nothing' ? 'read back' : compared;
  const evidence = { compared: how, sizeBytes: body.sizeBytes };
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

function bodyOf(file: SpoolFile, advance: Advance): Body {
  const { sizeBytes, path } = file;
  const open = async function* () {
    let givenBytes = 0;
    for await (const chunk of file.bytes()) {
      yield chunk;
      // Asked for the next one: this one was taken.
      givenBytes += chunk.byteLength;
      advance(givenBytes, sizeBytes);
    }
  };
  return { open, sizeBytes, file: path };
}

type Advance = NonNullable<FetchOptions['onProgress']>;

/** Fine enough for a bar and for a slow line, coarse enough to cost nothing. */
const tellEveryBytes = 4 * 1024 * 1024;

/**
 * One ear for each store; what they hear is told as one sum. A slow store may take hours, and must
 * not look dead meanwhile. Reading back doubles the way of its store.
 */
function tellTogether(deps: EngineDeps, sizeBytes: number): readonly Advance[] {
  const ways = deps.shelves.map(() => ({ doneBytes: 0, totalBytes: sizeBytes }));
  let toldBytes = 0;
  return ways.map((way) => (done, total) => {
    Object.assign(way, { doneBytes: done, totalBytes: total });
    const doneBytes = ways.reduce((sum, each) => sum + each.doneBytes, 0);
    const totalBytes = ways.reduce((sum, each) => sum + each.totalBytes, 0);
    if (done < total && Math.abs(doneBytes - toldBytes) < tellEveryBytes) return;
    toldBytes = doneBytes;
    deps.observe({ kind: 'step-advanced', step: 'store', doneBytes, totalBytes });
  });
}
