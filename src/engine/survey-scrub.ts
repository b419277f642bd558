/** What a scrub has to do: every store is listed, and its copies are planned. Changes nothing. */
import type { Catalog, CatalogListing } from '../catalog/catalog.ts';
import type { BackupId, ClusterId } from '../core/backup.ts';
import { Failure, toFailure } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { manifestId } from '../core/names.ts';
import { lastRead } from '../core/reading.ts';
import type { EngineDeps } from './deps.ts';
import { knownClusters } from './identify.ts';
import { type Listed, listClusters } from './listings.ts';
import { planScrub, type ScrubPace, type ScrubReason, scrubItem } from './plan-scrub.ts';

export interface ScrubWanted {
  /** Only this store; null for all. */
  readonly store: string | null;
  /** Whether the stores of several daemons are left out. */
  readonly ownOnly?: boolean;
  /** Null: clusters of the configured name. */
  readonly cluster: ClusterId | null;
  /** Left out: every copy is read, whenever it was read last. */
  readonly pace?: Omit<ScrubPace, 'now'> | undefined;
  /** Whether what is damaged is replaced by what another store holds. */
  readonly repair: boolean;
}

export interface ScrubTask {
  readonly catalog: Catalog;
  readonly id: BackupId;
  readonly reason: ScrubReason | 'listed-wrong';
  readonly sizeBytes: number;
  readonly readAt: Date | undefined;
  /** What the listing has shown: there is nothing to read. */
  readonly failure?: Failure;
}

export interface DeadStore {
  readonly store: string;
  readonly failure: Failure;
}

export interface ScrubSurvey {
  /** In the order of reading. */
  readonly tasks: readonly ScrubTask[];
  readonly dead: readonly DeadStore[];
}

type Deps = Pick<EngineDeps, 'shelves' | 'openCatalog' | 'clusterName' | 'observe' | 'now'>;

/** A store that cannot be listed is told and left out. Throws `usage` for an unknown store. */
export async function surveyScrub(
  wanted: ScrubWanted,
  deps: Deps,
  signal: AbortSignal,
): Promise<ScrubSurvey> {
  const shelves = deps.shelves.filter(
    ({ store, shared }) =>
      (wanted.store === null || store.name === wanted.store) && !(wanted.ownOnly && shared),
  );
  if (shelves.length === 0) throw new Failure('usage', `no store is named ${wanted.store}`);
  const ids = wanted.cluster === null ? await knownClusters(deps, signal) : [wanted.cluster];
  const dead: DeadStore[] = [];
  const listed = await Promise.all(
    shelves.map(async (shelf) => {
      try {
        return await listClusters(shelf, ids, deps, signal);
      } catch (error) {
        const lost = { store: shelf.store.name, failure: toFailure(error, 'store-failed') };
        dead.push(lost);
        return [];
      }
    }),
  );
  signal.throwIfAborted();
  for (const lost of dead) deps.observe({ kind: 'catalog-unreadable', ...lost });
  const own = ownOf(listed.flat(), wanted, deps);
  const tasks = listed.flatMap((store) => tasksOf(store.flatMap(own), wanted, deps));
  return { tasks, dead };
}

/**
 * What belongs to the wanted cluster. A manifest that cannot be read does not tell its cluster's
 * name; those beside it, in whatever store, do.
 */
function ownOf(
  all: readonly Listed[],
  wanted: ScrubWanted,
  deps: Deps,
): (listed: Listed) => readonly Listed[] {
  const isOwn = ({ cluster }: Manifest): boolean =>
    wanted.cluster !== null || cluster.name === deps.clusterName;
  const manifestsOf = ({ backups, faults }: CatalogListing): readonly Manifest[] => [
    ...backups,
    ...faults.flatMap(({ manifest }) => manifest ?? []),
  ];
  return ({ catalog, listing }) => {
    const named = all
      .filter((other) => other.catalog.cluster === catalog.cluster)
      .flatMap((other) => manifestsOf(other.listing));
    if (named.length > 0 && !named.some(isOwn)) return [];
    const faults = listing.faults.filter(({ manifest }) => !manifest || isOwn(manifest));
    return [{ catalog, listing: { backups: listing.backups.filter(isOwn), faults } }];
  };
}

/** No reading is young enough, and none was part of this scrub. */
const everything = { since: new Date(8.64e15), withinMs: 0, periodMs: 1 };

/** First what needs no reading to be wrong, then the plan over all clusters of the store. */
function tasksOf(
  store: readonly Listed[],
  { pace }: ScrubWanted,
  deps: Deps,
): readonly ScrubTask[] {
  const wrong = store.flatMap(({ catalog, listing }) =>
    listing.faults.flatMap(({ name, failure }): ScrubTask[] => {
      const id = manifestId(name);
      if (id === undefined) return [];
      const reason = 'listed-wrong';
      return [{ catalog, id, reason, sizeBytes: 0, readAt: undefined, failure }];
    }),
  );
  const held = store.flatMap(({ catalog, listing }) =>
    listing.backups.map((manifest) => ({ catalog, manifest })),
  );
  const plan = planScrub(
    held.map(({ manifest }) => scrubItem(manifest)),
    { ...(pace ?? everything), now: deps.now() },
  );
  const planned = plan.flatMap(({ id, reason }) => {
    const mine = held.filter(({ manifest }) => manifest.id === id);
    return mine.map(({ catalog, manifest }): ScrubTask => {
      const { sizeBytes } = manifest.sealed;
      return { catalog, id, reason, sizeBytes, readAt: lastRead(manifest) };
    });
  });
  return [...wrong, ...planned];
}
