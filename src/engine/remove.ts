/** Removing one backup because a person said so. Retention removes by itself: see prune. */
import type { Catalog, CatalogListing } from '../catalog/catalog.ts';
import type { BackupId } from '../core/backup.ts';
import { Failure } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { manifestId } from '../core/names.ts';
import { objectionsTo } from '../core/removal.ts';
import { type RetentionItem, retentionItem } from '../core/retention.ts';
import { removingAlone } from './alone.ts';
import type { EngineDeps, Shelf } from './deps.ts';
import { takeStock } from './stock.ts';
import { trusts } from './trust.ts';

/** One store that has the backup. */
export interface Place {
  readonly shelf: Shelf;
  readonly catalog: Catalog;
}

interface Limits {
  readonly signal: AbortSignal;
}

export type RemoveDeps = Pick<EngineDeps, 'trust' | 'observe' | 'now'>;

/**
 * Removes the backup from all of the places, or from none where one objects: `retention-unsafe`
 * with every reason. The places are in the order in which every caller has them: the configured.
 */
export async function removeBackup(
  id: BackupId,
  places: readonly Place[],
  deps: RemoveDeps,
  limits: Limits,
): Promise<void> {
  const inTurn = (left: readonly Place[]): Promise<void> => {
    const [first, ...others] = left;
    if (first === undefined) return removeNow(id, places, deps, limits);
    return removingAlone(first.shelf.store, limits.signal, () => inTurn(others));
  };
  await inTurn(places);
}

/** All stores are asked before the first of them loses anything. */
async function removeNow(
  id: BackupId,
  places: readonly Place[],
  deps: RemoveDeps,
  limits: Limits,
): Promise<void> {
  const objections: string[] = [];
  for (const place of places) {
    const { name } = place.shelf.store;
    const reasons = await reasonsAgainst(id, place, deps, limits);
    if (reasons.length > 0) objections.push(`store ${name}: ${reasons.join('; ')}`);
  }
  if (objections.length > 0) {
    throw new Failure('retention-unsafe', `backup ${id} has to stay in ${objections.join(', ')}`, {
      context: { id },
    });
  }
  for (const { catalog } of places) {
    await catalog.forget(id, limits);
    deps.observe({ kind: 'backup-removed', store: catalog.store.name, id });
    await takeStock(catalog, deps, limits.signal);
  }
}

/** As it is now, not as it was when the copies were looked up. */
async function reasonsAgainst(
  id: BackupId,
  { shelf, catalog }: Place,
  deps: RemoveDeps,
  limits: Limits,
): Promise<readonly string[]> {
  const listing = await catalog.backups(limits);
  const own = manifestOf(id, listing);
  const lockedUntil = own && (await catalog.lockEnd(own, limits));
  const isTrusted = trusts(deps.trust);
  // Whose manifest is not trusted, or whose data is gone, counts for nothing, as everywhere.
  const sound = listing.backups.map((manifest): RetentionItem => {
    const item = retentionItem(manifest);
    return { ...item, proved: item.proved && isTrusted(manifest) };
  });
  const broken = listing.faults.flatMap(({ manifest }) =>
    manifest === undefined ? [] : [{ ...retentionItem(manifest), proved: false }],
  );
  const items = [...sound, ...broken].map((item) =>
    item.id === id && lockedUntil !== undefined ? { ...item, lockedUntil } : item,
  );
  return objectionsTo(id, items, shelf.retention, deps.now());
}

/** Throws what keeps a manifest from being read: it may say that the backup is held. */
function manifestOf(id: BackupId, { backups, faults }: CatalogListing): Manifest | undefined {
  const fault = faults.find(({ name }) => manifestId(name) === id);
  if (fault !== undefined && fault.manifest === undefined) throw fault.failure;
  return fault?.manifest ?? backups.find((manifest) => manifest.id === id);
}
