/** Which stored backups a restore or a drill may take, the best first. */
import type { Catalog } from '../catalog/catalog.ts';
import type { BackupId, ClusterId } from '../core/backup.ts';
import { clockToleranceMs } from '../core/clocks.ts';
import { Failure, toFailure } from '../core/errors.ts';
import { isProved, type Manifest } from '../core/manifest.ts';
import { manifestId } from '../core/names.ts';
import type { RestoreReport } from '../core/restore.ts';
import type { EngineDeps, Shelf } from './deps.ts';
import { knownClusters } from './identify.ts';
import { listClusters } from './listings.ts';
import { doubts } from './trust.ts';

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
  /** What was passed over before it was this one that is wanted. */
  readonly passedOver?: RestoreReport['passedOver'];
}

/** A backup that is listed, but whose manifest cannot be read, believed or trusted. */
export interface Unreadable {
  readonly backup: BackupId;
  readonly failure: Failure;
}

interface Holdings {
  readonly found: readonly Candidate[];
  /** Without those that another store has in a good state; the newest first. */
  readonly unreadable: readonly Unreadable[];
  /** Of the first store that could not be read. */
  readonly failure: Failure | undefined;
}

type Reading = Pick<EngineDeps, 'shelves' | 'openCatalog' | 'clusterName' | 'observe' | 'trust'>;

/**
 * Proved backups from the newest to the oldest; a named one, proved or not, and after it the older
 * proved ones. Throws `backup-missing` when there is none, or the failure of a store that could not
 * be read when it may have held it.
 *
 * Nobody who asks for the latest gets an older one unawares: where the manifests of newer ones
 * cannot be read or trusted, `passOver` is told each, and throws its failure if left out.
 */
export async function candidates(
  wanted: Wanted,
  deps: Reading & Pick<EngineDeps, 'now'>,
  signal: AbortSignal,
  passOver: (newer: Unreadable) => void = refuse,
): Promise<readonly Candidate[]> {
  const { found, unreadable, failure } = await readShelves(wanted, deps, signal);
  const limitMs = wanted.before?.getTime() ?? deps.now().getTime() + clockToleranceMs;
  const newestFirst = found
    .filter(({ manifest }) => manifest.startedAt.getTime() < limitMs)
    .sort((a, b) => startOf(b) - startOf(a));
  const proved = newestFirst.filter(({ manifest }) => isProved(manifest));
  if (wanted.backup === 'latest') {
    const [latest] = proved;
    const limit = timeIn(new Date(limitMs));
    const newer = unreadable.filter(({ backup }) => {
      return backup < limit && (latest === undefined || backup > latest.manifest.id);
    });
    for (const one of newer) passOver(one);
    if (latest !== undefined) return proved;
    const until = wanted.before === null ? '' : ` before ${wanted.before.toISOString()}`;
    const none = missing(`there is no proved backup of ${nameOf(wanted, deps)}${until}`);
    throw failure ?? newer[0]?.failure ?? none;
  }
  // Where one store's copy was found damaged, that says nothing against the copy of another.
  const named = found
    .filter(({ manifest }) => manifest.id === wanted.backup)
    .sort((a, b) => Number(isProved(b.manifest)) - Number(isProved(a.manifest)));
  const [first] = named;
  if (first === undefined) {
    const damage = unreadable.find(({ backup }) => backup === wanted.backup)?.failure;
    const none = missing(`there is no backup ${wanted.backup} of ${nameOf(wanted, deps)}`);
    throw damage ?? failure ?? none;
  }
  const older = proved.filter(
    (one) => startOf(one) < startOf(first) && one.catalog.cluster === first.catalog.cluster,
  );
  return [...named, ...older];
}

async function readShelves(wanted: Wanted, deps: Reading, signal: AbortSignal): Promise<Holdings> {
  const shelves = deps.shelves.filter(
    ({ store }) => wanted.store === null || store.name === wanted.store,
  );
  if (shelves.length === 0) throw new Failure('usage', `no store is named ${wanted.store}`);
  const ids = wanted.cluster === null ? await knownClusters({ shelves }, signal) : [wanted.cluster];
  const isWanted = ({ manifest }: Candidate): boolean =>
    wanted.cluster !== null || manifest.cluster.name === deps.clusterName;
  const doubtOf = doubts(deps.trust);
  const found: Candidate[] = [];
  const unreadable: (Unreadable & { readonly cluster: ClusterId })[] = [];
  let failure: Failure | undefined;
  for (const shelf of shelves) {
    try {
      for (const { catalog, listing } of await listClusters(shelf, ids, deps, signal)) {
        const { backups, faults } = listing;
        const { cluster } = catalog;
        // Where only the data is missing or cut, the fetch tells so.
        const known = [...backups, ...faults.flatMap(({ manifest }) => manifest ?? [])];
        for (const manifest of known) {
          const one = { shelf, catalog, manifest };
          const fault = doubtOf(manifest);
          if (fault === undefined) found.push(one);
          else if (isWanted(one)) unreadable.push({ backup: manifest.id, failure: fault, cluster });
        }
        for (const { name, manifest, failure: fault } of faults) {
          const id = manifestId(name);
          if (manifest !== undefined || id === undefined) continue;
          unreadable.push({ backup: id, failure: fault, cluster });
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      // The other stores will do, but not without a word: this one may hold a newer backup.
      const unread = toFailure(error, 'store-failed');
      deps.observe({ kind: 'catalog-unreadable', store: shelf.store.name, failure: unread });
      failure ??= unread;
    }
  }
  // A manifest that cannot be read does not tell its cluster's name; those beside it do.
  const isForeign = (cluster: ClusterId): boolean => {
    const beside = found.filter(({ catalog }) => catalog.cluster === cluster);
    return beside.length > 0 && !beside.some(isWanted);
  };
  const isElsewhere = (id: BackupId): boolean => found.some(({ manifest }) => manifest.id === id);
  return {
    found: found.filter(isWanted),
    unreadable: unreadable
      .filter(({ backup, cluster }) => !isElsewhere(backup) && !isForeign(cluster))
      .sort((a, b) => (a.backup < b.backup ? 1 : -1)),
    failure,
  };
}

function refuse({ backup, failure }: Unreadable): never {
  const { code, message, cause } = failure;
  throw new Failure(code, `the newest backup is ${backup}, and ${message}`, {
    hint: `${failure.hint} An older backup can be named, or asked for with --before.`,
    cause,
  });
}

function startOf({ manifest }: Candidate): number {
  return manifest.startedAt.getTime();
}

/** As ids of backups begin, which can be compared as text. */
function timeIn(time: Date): string {
  return time.toISOString().replaceAll(/[-:]|\.\d+/g, '');
}

function nameOf(wanted: Wanted, deps: Pick<EngineDeps, 'clusterName'>): string {
  return wanted.cluster === null ? `cluster ${deps.clusterName}` : `cluster id ${wanted.cluster}`;
}

function missing(message: string): Failure {
  return new Failure('backup-missing', message);
}
