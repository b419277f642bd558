/** Removes what no rule keeps: first a plan that can be printed, then its execution. */
import type { Catalog } from '../catalog/catalog.ts';
import type { BackupId, ClusterId } from '../core/backup.ts';
import { toFailure } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import {
  type LockEnd,
  planRetention,
  type RetentionPlan,
  retentionItem,
} from '../core/retention.ts';
import { removingAlone } from './alone.ts';
import type { EngineDeps, Shelf } from './deps.ts';
import { takeStock } from './stock.ts';
import { trusts } from './trust.ts';

type PruneDeps = Pick<
  EngineDeps,
  'openCatalog' | 'trust' | 'observe' | 'now' | 'timezone' | 'orphanGraceMs'
>;

/** What pruning this shelf would keep and remove, each with its reasons. Changes nothing. */
export async function planPrune(
  shelf: Shelf,
  cluster: ClusterId,
  deps: PruneDeps,
  signal: AbortSignal,
): Promise<RetentionPlan> {
  return planFor(shelf, deps.openCatalog(shelf.store, cluster), deps, signal);
}

/**
 * Prunes each shelf. Call it only after a success. A shelf that cannot be pruned is told and left:
 * the backup that was just taken is safe all the same.
 */
export async function pruneShelves(
  shelves: readonly Shelf[],
  cluster: ClusterId,
  deps: PruneDeps,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    shelves.map(async (shelf) => {
      try {
        await pruneShelf(shelf, cluster, deps, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        const failure = toFailure(error, 'store-failed');
        deps.observe({ kind: 'prune-failed', store: shelf.store.name, failure });
      }
    }),
  );
}

/** Prunes one shelf and returns the plan that was carried out. */
export async function pruneShelf(
  shelf: Shelf,
  cluster: ClusterId,
  deps: PruneDeps,
  signal: AbortSignal,
): Promise<RetentionPlan> {
  return await removingAlone(shelf.store, signal, () => pruneNow(shelf, cluster, deps, signal));
}

async function pruneNow(
  shelf: Shelf,
  cluster: ClusterId,
  deps: PruneDeps,
  signal: AbortSignal,
): Promise<RetentionPlan> {
  const startedMs = performance.now();
  const store = shelf.store.name;
  const catalog = deps.openCatalog(shelf.store, cluster);
  const plan = await planFor(shelf, catalog, deps, signal);
  const doomed = plan.filter((decision) => !decision.keep);
  for (const { id, reasons } of doomed) {
    await catalog.forget(id, { signal });
    deps.observe({ kind: 'backup-pruned', store, id, reason: reasons.join('; ') });
  }
  await sweepOrphans(catalog, deps, signal);
  await takeStock(catalog, deps, signal);
  const kept = plan.length - doomed.length;
  const tookMs = Math.round(performance.now() - startedMs);
  deps.observe({ kind: 'prune-finished', store, kept, removed: doomed.length, tookMs });
  return plan;
}

/**
 * Asks the store about the locks of what would be removed, and of that only: in a bucket that keeps
 * versions, removing what is locked would hide a backup that is still there, and still paid for.
 */
async function planFor(
  shelf: Shelf,
  catalog: Catalog,
  deps: PruneDeps,
  signal: AbortSignal,
): Promise<RetentionPlan> {
  const when = { now: deps.now(), timezone: deps.timezone };
  const { backups } = await catalog.backups({ signal });
  const planWith = (locks: ReadonlyMap<BackupId, LockEnd>): RetentionPlan => {
    const items = backups.map((manifest) => {
      const lockedUntil = locks.get(manifest.id);
      const item = retentionItem(manifest);
      return { manifest, item: lockedUntil === undefined ? item : { ...item, lockedUntil } };
    });
    const planOf = (some: readonly (typeof items)[number][]): RetentionPlan =>
      planRetention(
        some.map(({ item }) => item),
        shelf.retention,
        when,
      );
    return trustedFirst(items, planOf, deps);
  };
  const doomed = planWith(new Map()).filter(({ keep }) => !keep);
  const locks = new Map<BackupId, LockEnd>();
  for (const manifest of backups) {
    if (!doomed.some(({ id }) => id === manifest.id)) continue;
    const end = await catalog.lockEnd(manifest, { signal });
    if (end !== undefined) locks.set(manifest.id, end);
  }
  return planWith(locks);
}

/**
 * Where keys are trusted, what is not signed by them never pushes out what is: somebody who can
 * only add to the store must not have the daemon remove the good ones. Those before the first
 * signature go by the rules as if all counted.
 */
function trustedFirst<T extends { readonly manifest: Manifest }>(
  items: readonly T[],
  planOf: (some: readonly T[]) => RetentionPlan,
  deps: Pick<EngineDeps, 'trust'>,
): RetentionPlan {
  const isTrusted = trusts(deps.trust);
  const trusted = items.filter(({ manifest }) => isTrusted(manifest));
  const plan = planOf(items);
  if (trusted.length === items.length) return plan;
  const own = new Map(planOf(trusted).map((decision) => [decision.id, decision]));
  return plan.map((decision) => own.get(decision.id) ?? decision);
}

async function sweepOrphans(catalog: Catalog, deps: PruneDeps, signal: AbortSignal): Promise<void> {
  const swept = await catalog.sweep({ now: deps.now(), graceMs: deps.orphanGraceMs, signal });
  if (swept.objects.length === 0) return;
  const objects = [...swept.objects];
  deps.observe({ kind: 'orphans-swept', store: catalog.store.name, objects });
}
