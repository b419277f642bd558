/** Makes up for what stores missed while they were dead, full or emptied: from the others. */
import type { BackupId, ClusterId } from '../core/backup.ts';
import { Failure, toFailure } from '../core/errors.ts';
import { type CopyEnd, copyBackup } from './copy.ts';
import type { EngineDeps, Shelf } from './deps.ts';
import { type HealPlan, type Need, planHeal, type Source } from './heal-plan.ts';
import { identifyCluster } from './identify.ts';
import { takeStock } from './stock.ts';
import { verifyBackup } from './verify.ts';

export interface Healed {
  readonly id: BackupId;
  readonly store: string;
  readonly sizeBytes: number;
  /** The store that it came from, or was last tried from. */
  readonly from: string;
  /** `gone`: retention has removed it everywhere else meanwhile. */
  readonly result: CopyEnd | 'gone' | Failure;
}

export interface HealReport {
  readonly copies: readonly Healed[];
  /** Backups that are still missing, for every store that could be read. */
  readonly missing: Readonly<Record<string, number>>;
  /** Names of stores that could not be read. */
  readonly unread: readonly string[];
}

/**
 * Copies every backup that a store lacks and would keep. What fails is told and left for the next
 * time; one store never holds up the others. Throws only when it is aborted, or stores of no
 * cluster are asked for.
 */
export async function healStores(
  cluster: ClusterId,
  deps: EngineDeps,
  options: { readonly signal: AbortSignal },
): Promise<HealReport> {
  const { signal } = options;
  const plan = await planHeal(cluster, deps, signal);
  deps.observe({ kind: 'heal-started', missing: missingIn(plan, plan.needs, deps) });
  // Stores that failed on the way: each further try would only take its time to fail again.
  const given = new Set<Shelf>();
  const copies: Healed[] = [];
  const left: Need[] = [];
  for (const need of plan.needs) {
    const healed = given.has(need.to.shelf) ? undefined : await meet(need, given, deps, signal);
    if (healed !== undefined) copies.push(healed);
    if (healed === undefined || healed.result instanceof Failure) left.push(need);
  }
  await tellStock(plan, copies, deps, signal);
  const missing = missingIn(plan, left, deps);
  deps.observe({ kind: 'heal-finished', copied: copies.filter(isDone).length, missing });
  return { copies, missing, unread: plan.unread.map(({ store }) => store.name) };
}

/**
 * The same for the cluster that is configured now. What is left of an older one, before it was
 * rebuilt, is not healed unasked: no retention prunes it any more.
 */
export async function healOurs(
  deps: EngineDeps,
  options: { readonly signal: AbortSignal },
): Promise<HealReport> {
  const cluster = await identifyCluster(deps, options.signal);
  if (cluster === undefined) return { copies: [], missing: {}, unread: [] };
  return await healStores(cluster, deps, options);
}

/** By store; those that could not be read are left out. */
export function missingIn(
  plan: HealPlan,
  needs: readonly Need[],
  { shelves }: Pick<EngineDeps, 'shelves'>,
): Readonly<Record<string, number>> {
  const read = shelves.filter((shelf) => !plan.unread.includes(shelf));
  return Object.fromEntries(
    read.map((shelf) => {
      return [shelf.store.name, needs.filter(({ to }) => to.shelf === shelf).length];
    }),
  );
}

/** Tries one source after another, until one is whole or the target fails. */
async function meet(
  need: Need,
  given: Set<Shelf>,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<Healed | undefined> {
  const { id, to, sizeBytes } = need;
  const about = { id, store: to.shelf.store.name, sizeBytes };
  let last: Healed | undefined;
  for (const source of need.sources.filter(({ shelf }) => !given.has(shelf))) {
    const from = source.shelf.store.name;
    let ofSource = false;
    const onSourceFault = (): void => {
      ofSource = true;
    };
    try {
      const options = { signal, replace: true, onSourceFault };
      const result = await copyBackup(id, source.catalog, to.catalog, deps, options);
      return { ...about, from, result };
    } catch (thrown) {
      signal.throwIfAborted();
      const failure = toFailure(thrown, 'store-failed');
      // Pruned, or judged, since it was listed: whoever did that has told it.
      const isGone = ofSource && failure.code === 'backup-missing';
      last = { ...about, from, result: isGone ? 'gone' : failure };
      if (isGone) continue;
      deps.observe({ kind: 'copy-failed', store: about.store, from, id, failure });
      if (!ofSource) given.add(to.shelf);
      else if (!(await isJudged(source, id, failure, deps, signal))) given.add(source.shelf);
      if (!ofSource) return last;
    }
  }
  return last;
}

/**
 * Reads a source again that gave other bytes than its manifest tells, and writes the verdict down:
 * it is no source and no backup until it is mended. False where the store was at fault.
 */
async function isJudged(
  { catalog }: Source,
  id: BackupId,
  failure: Failure,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<boolean> {
  if (failure.code === 'object-missing') return true;
  if (failure.code !== 'object-damaged') return false;
  // A store that cannot be read now is told by the next one who reads it.
  await verifyBackup(catalog, id, deps, { deep: false, signal }).catch(() => undefined);
  signal.throwIfAborted();
  return true;
}

/** The truth behind the metrics, of the stores that have something new. */
async function tellStock(
  plan: HealPlan,
  copies: readonly Healed[],
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<void> {
  const changed = new Map(plan.needs.map(({ to }) => [to.shelf.store.name, to.catalog]));
  for (const [store, catalog] of changed) {
    if (!copies.some((copy) => copy.store === store && isDone(copy))) continue;
    await takeStock(catalog, deps, signal).catch((thrown: unknown) => {
      signal.throwIfAborted();
      const failure = toFailure(thrown, 'store-failed');
      deps.observe({ kind: 'catalog-unreadable', store, failure });
    });
  }
}

function isDone({ result }: Healed): boolean {
  return result === 'copied' || result === 'repaired';
}
