/** Removes what no rule keeps: first a plan that can be printed, then its execution. */
import type { Catalog, CatalogListing } from '../catalog/catalog.ts';
import type { ClusterId } from '../core/backup.ts';
import { toFailure } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { planRetention, type RetentionPlan, retentionItem } from '../core/retention.ts';
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
  const { backups } = await deps.openCatalog(shelf.store, cluster).backups({ signal });
  return planFor(shelf, { backups }, deps);
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
  const startedMs = performance.now();
  const store = shelf.store.name;
  const catalog = deps.openCatalog(shelf.store, cluster);
  const plan = planFor(shelf, await catalog.backups({ signal }), deps);
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
 * Where keys are trusted, what is not signed by them never pushes out what is: somebody who can
 * only add to the store must not have the daemon remove the good ones. Those before the first
 * signature go by the rules as if all counted.
 */
function planFor(
  shelf: Shelf,
  listing: Pick<CatalogListing, 'backups'>,
  deps: PruneDeps,
): RetentionPlan {
  const when = { now: deps.now(), timezone: deps.timezone };
  const planOf = (backups: readonly Manifest[]): RetentionPlan =>
    planRetention(backups.map(retentionItem), shelf.retention, when);
  const trusted = listing.backups.filter(trusts(deps.trust));
  const plan = planOf(listing.backups);
  if (trusted.length === listing.backups.length) return plan;
  const own = new Map(planOf(trusted).map((decision) => [decision.id, decision]));
  return plan.map((decision) => own.get(decision.id) ?? decision);
}

async function sweepOrphans(catalog: Catalog, deps: PruneDeps, signal: AbortSignal): Promise<void> {
  const swept = await catalog.sweep({ now: deps.now(), graceMs: deps.orphanGraceMs, signal });
  if (swept.objects.length === 0) return;
  const objects = [...swept.objects];
  deps.observe({ kind: 'orphans-swept', store: catalog.store.name, objects });
}
