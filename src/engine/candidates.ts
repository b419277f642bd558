/** Which stored backups a restore or a drill may take, the best first. */
import type { Catalog } from '../catalog/catalog.ts';
import type { BackupId, ClusterId } from '../core/backup.ts';
import { Failure, toFailure } from '../core/errors.ts';
import { isProved, type Manifest } from '../core/manifest.ts';
import type { EngineDeps, Shelf } from './deps.ts';
import { knownClusters } from './identify.ts';

/** A backup as one store holds it. */
export interface Candidate {
  readonly shelf: Shelf;
  readonly catalog: Catalog;
  readonly manifest: Manifest;
}

export interface Wanted {
  readonly backup: BackupId | 'latest';
  /** Only backups that began before; null for any. */
  readonly before: Date | null;
  /** Only this store; null for all. */
  readonly store: string | null;
  /** Null: clusters of the configured name. */
  readonly cluster: ClusterId | null;
}

// A backup that a wrong clock dated further ahead than this is not the latest.
const toleranceMs = 5 * 60_000;

/**
 * Proved backups from the newest to the oldest; a named one, proved or not, and after it the older
 * proved ones. Throws `backup-missing` when there is none, or the failure of a store that could not
 * be read when it may have held it.
 */
export async function candidates(
  wanted: Wanted,
  deps: Pick<EngineDeps, 'shelves' | 'openCatalog' | 'clusterName' | 'now'>,
  signal: AbortSignal,
): Promise<readonly Candidate[]> {
  const { found, failure } = await readShelves(wanted, deps, signal);
  const limitMs = wanted.before?.getTime() ?? deps.now().getTime() + toleranceMs;
  const newestFirst = found
    .filter(({ manifest }) => manifest.startedAt.getTime() < limitMs)
    .sort((a, b) => startOf(b) - startOf(a));
  const proved = newestFirst.filter(({ manifest }) => isProved(manifest));
  if (wanted.backup === 'latest') {
    if (proved.length > 0) return proved;
    const until = wanted.before === null ? '' : ` before ${wanted.before.toISOString()}`;
    throw failure ?? missing(`there is no proved backup of ${nameOf(wanted, deps)}${until}`);
  }
  const named = found.filter(({ manifest }) => manifest.id === wanted.backup);
  const [first] = named;
  if (first === undefined) {
    throw failure ?? missing(`there is no backup ${wanted.backup} of ${nameOf(wanted, deps)}`);
  }
  const older = proved.filter(
    (one) => startOf(one) < startOf(first) && one.catalog.cluster === first.catalog.cluster,
  );
  return [...named, ...older];
}

async function readShelves(
  wanted: Wanted,
  deps: Pick<EngineDeps, 'shelves' | 'openCatalog' | 'clusterName'>,
  signal: AbortSignal,
): Promise<{ found: Candidate[]; failure: Failure | undefined }> {
  const shelves = deps.shelves.filter(
    ({ store }) => wanted.store === null || store.name === wanted.store,
  );
  if (shelves.length === 0) throw new Failure('usage', `no store is named ${wanted.store}`);
  const ids = wanted.cluster === null ? await knownClusters({ shelves }, signal) : [wanted.cluster];
  const found: Candidate[] = [];
  let failure: Failure | undefined;
  for (const shelf of shelves) {
    try {
      if (ids.length === 0) for await (const _ of shelf.store.list('', { signal })) break;
      for (const id of ids) {
        const catalog = deps.openCatalog(shelf.store, id);
        const { backups } = await catalog.backups({ signal });
        found.push(...backups.map((manifest) => ({ shelf, catalog, manifest })));
      }
    } catch (error) {
      signal.throwIfAborted();
      failure ??= toFailure(error, 'store-failed');
    }
  }
  const isWanted = ({ manifest }: Candidate): boolean =>
    wanted.cluster !== null || manifest.cluster.name === deps.clusterName;
  return { found: found.filter(isWanted), failure };
}

function startOf({ manifest }: Candidate): number {
  return manifest.startedAt.getTime();
}

function nameOf(wanted: Wanted, deps: Pick<EngineDeps, 'clusterName'>): string {
  return wanted.cluster === null ? `cluster ${deps.clusterName}` : `cluster id ${wanted.cluster}`;
}

function missing(message: string): Failure {
  return new Failure('backup-missing', message);
}
