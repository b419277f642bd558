/**
 * Removing what interrupted backups left: data without a manifest, and unfinished puts. Data is
 * put before its manifest, so a young orphan is a backup under way.
 */
import type { BackupId } from '../core/backup.ts';
import { manifestName, type ObjectName } from '../core/names.ts';
import { takeInventory } from './listing.ts';
import { type ClusterFolder, orMissing } from './manifest-object.ts';

export interface SweepOrder {
  readonly now: Date;
  /** Longer than any backup takes from its start to its commit. */
  readonly graceMs: number;
  readonly signal: AbortSignal;
}

export interface Swept {
  readonly objects: readonly ObjectName[];
  readonly unfinishedPuts: number;
}

/**
 * Touches data of this cluster only, and nothing that is not named like ours. Unfinished puts are
 * swept in the whole store: they belong to no cluster yet.
 */
export async function sweepOrphans(folder: ClusterFolder, order: SweepOrder): Promise<Swept> {
  const { signal } = order;
  const olderThan = new Date(order.now.getTime() - order.graceMs);
  const { manifests, data } = await takeInventory(folder, signal);
  // By name alone: data of a manifest that cannot be read is still a backup to somebody.
  const committed = new Set(manifests);
  const objects: ObjectName[] = [];
  for (const [name, { id, modifiedAt }] of data) {
    // Both clocks must agree that it is old: the store's, and that of the host that named it.
    if (committed.has(id) || modifiedAt >= olderThan || startOf(id) >= olderThan) continue;
    if (await isCommitted(folder, id, signal)) continue;
    await folder.store.remove(name, { signal });
    objects.push(name);
  }
  return { objects, unfinishedPuts: await folder.store.sweep(olderThan, { signal }) };
}

// Asked again for each one: the listing may be minutes old by now.
async function isCommitted(
  folder: ClusterFolder,
  id: BackupId,
  signal: AbortSignal,
): Promise<boolean> {
  const name = manifestName(folder.cluster, id);
  return (await orMissing(folder.store.stat(name, { signal }))) !== undefined;
}

/** The time in a backup id; one that is no time (`99999999T...`) never grows old. */
function startOf(id: BackupId): Date {
  const iso = id.replace(/^(....)(..)(..)T(..)(..)(..)Z.*$/, '$1-$2-$3T$4:$5:$6Z');
  const start = new Date(iso);
  return Number.isNaN(start.getTime()) ? new Date(8.64e15) : start;
}
