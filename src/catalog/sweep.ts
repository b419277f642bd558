/**
 * Removing what interrupted backups left: data without a manifest, and unfinished puts. Data is
 * put before its manifest, so a young orphan is a backup under way.
 */
import {
  type BackupStem,
  manifestPrefix,
  type ObjectName,
  parseObjectName,
  stemsOf,
} from '../core/names.ts';
import { takeInventory } from './listing.ts';
import type { ClusterFolder } from './manifest-object.ts';

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
  const committed = new Set(manifests.flatMap(stemsOf));
  const objects: ObjectName[] = [];
  for (const [name, { stem, modifiedAt }] of data) {
    // Both clocks must agree that it is old: the store's, and that of the host that named it.
    if (committed.has(stem) || modifiedAt >= olderThan || startOf(stem) >= olderThan) continue;
    if (await isCommitted(folder, stem, signal)) continue;
    await folder.store.remove(name, { signal });
    objects.push(name);
  }
  return { objects, unfinishedPuts: await folder.store.sweep(olderThan, { signal }) };
}

// Asked again for each one: the listing may be minutes old by now.
async function isCommitted(
  folder: ClusterFolder,
  stem: BackupStem,
  signal: AbortSignal,
): Promise<boolean> {
  const prefix = manifestPrefix(folder.cluster, stem);
  for await (const { name } of folder.store.list(prefix, { signal })) {
    const parsed = parseObjectName(name);
    if (parsed?.kind === 'manifest' && stemsOf(parsed.id).includes(stem)) return true;
  }
  return false;
}

/** The time in a stem; one that is no time (`99999999T...`) never grows old. */
function startOf(stem: BackupStem): Date {
  const iso = stem.replace(/^(....)(..)(..)T(..)(..)(..)Z.*$/, '$1-$2-$3T$4:$5:$6Z');
  const start = new Date(iso);
  return Number.isNaN(start.getTime()) ? new Date(8.64e15) : start;
}
