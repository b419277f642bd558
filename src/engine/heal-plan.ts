/**
 * Which backups are missing where. Each store is to have what its own retention keeps of all that
 * the stores have together, so what it has pruned by its rules does not come back.
 */
import type { Catalog, CatalogListing } from '../catalog/catalog.ts';
import type { BackupId, ClusterId } from '../core/backup.ts';
import { isProved, type Manifest } from '../core/manifest.ts';
import { manifestId } from '../core/names.ts';
import { isDamage } from '../core/reading.ts';
import { planRetention, retentionItem } from '../core/retention.ts';
import type { EngineDeps, Shelf } from './deps.ts';
import { takeAllStock } from './stock.ts';
import { counts, trusts } from './trust.ts';

/** One store that has a backup. */
export interface Source {
  readonly shelf: Shelf;
  readonly catalog: Catalog;
}

/** One backup that one store lacks. */
export interface Need {
  readonly id: BackupId;
  readonly startedAt: Date;
  readonly sizeBytes: number;
  readonly to: Source;
  /** Proved copies, the nearest first. */
  readonly sources: readonly Source[];
}

export interface HealPlan {
  /** The greatest need first. */
  readonly needs: readonly Need[];
  /** Stores that could not be read: what they lack is not known. */
  readonly unread: readonly Shelf[];
}

/** Changes nothing; tells what each store holds, and which ones cannot be read. */
export async function planHeal(
  cluster: ClusterId,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<HealPlan> {
  const stock = await takeAllStock(cluster, deps, signal);
  const read = [...stock].map(([shelf, listing]) => {
    return { shelf, listing, catalog: deps.openCatalog(shelf.store, cluster) };
  });
  // A stable order: stores that are equally far stay as they are configured.
  const nearest = deps.shelves
    .flatMap((shelf) => read.filter((one) => one.shelf === shelf))
    .sort((one, other) => (one.shelf.distance ?? 0) - (other.shelf.distance ?? 0));
  const known = provedAnywhere(nearest, deps);
  const needs = nearest.flatMap((target) => needsOf(target, known, deps));
  const unread = deps.shelves.filter((shelf) => !stock.has(shelf));
  return { needs: byNeed(needs, newestOf(known)), unread };
}

interface Read extends Source {
  readonly listing: CatalogListing;
}

interface Known {
  readonly manifest: Manifest;
  readonly sources: Source[];
}

/** Who is not trusted and can write to one store must not get into the others. */
function provedAnywhere(
  stores: readonly Read[],
  { now, trust }: Pick<EngineDeps, 'now' | 'trust'>,
): ReadonlyMap<BackupId, Known> {
  const known = new Map<BackupId, Known>();
  const isGood = counts(trust, now());
  for (const { shelf, catalog, listing } of stores) {
    for (const manifest of listing.backups.filter(isGood)) {
      const one = known.get(manifest.id) ?? { manifest, sources: [] };
      one.sources.push({ shelf, catalog });
      known.set(manifest.id, one);
    }
  }
  return known;
}

function needsOf(
  target: Read,
  known: ReadonlyMap<BackupId, Known>,
  deps: Pick<EngineDeps, 'now' | 'timezone' | 'trust'>,
): Need[] {
  const { shelf, catalog, listing } = target;
  const there = new Set([...listing.backups.map(({ id }) => id), ...unansweredIn(listing)]);
  const answered = answeredIn(listing, deps);
  const absent = [...known.values()].filter(
    ({ manifest: { id, slot } }) => !there.has(id) && !answered.has(slot?.getTime()),
  );
  // A hold counts in the store where it was set: it must not bring back what was pruned here.
  const asItems = absent.map(({ manifest }) => ({ ...retentionItem(manifest), held: null }));
  const items = [...listing.backups.map(retentionItem), ...asItems];
  const frame = { now: deps.now(), timezone: deps.timezone };
  const plan = planRetention(items, shelf.retention, frame);
  const kept = new Set(plan.filter(({ keep }) => keep).map(({ id }) => id));
  return absent
    .filter(({ manifest }) => kept.has(manifest.id))
    .map(({ manifest: { id, startedAt, sealed }, sources }) => {
      return { id, startedAt, sizeBytes: sealed.sizeBytes, to: { shelf, catalog }, sources };
    });
}

/**
 * Slots that the store has a good backup of. Of several daemons each takes one for its own disk,
 * and in the store that they share one of them is enough.
 */
function answeredIn(
  { backups }: CatalogListing,
  { trust }: Pick<EngineDeps, 'trust'>,
): ReadonlySet<number | undefined> {
  const good = backups.filter(trusts(trust)).filter(isProved);
  return new Set(good.flatMap(({ slot }) => slot?.getTime() ?? []));
}

/** Whether the store has these is not known. What is damaged is missing: it can be made whole. */
function unansweredIn({ faults }: CatalogListing): BackupId[] {
  return faults
    .filter(({ failure }) => !isDamage(failure))
    .flatMap(({ name }) => manifestId(name) ?? []);
}

function newestOf(known: ReadonlyMap<BackupId, Known>): BackupId | undefined {
  const starts = [...known.values()].map(({ manifest }) => manifest);
  return starts.sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime())[0]?.id;
}

/**
 * The newest backup first: it is what a restore asks for, and in one store alone it can be lost.
 * Then from the oldest: these are the next that retention removes where they are.
 */
function byNeed(needs: readonly Need[], newest: BackupId | undefined): readonly Need[] {
  const age = ({ id, startedAt }: Need): number => (id === newest ? 0 : startedAt.getTime());
  return needs.toSorted((one, other) => age(one) - age(other));
}
