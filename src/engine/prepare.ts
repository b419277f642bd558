/** What a daemon does before its first run: clears what a killed one left, and reads the stores. */
import type { EngineDeps } from './deps.ts';
import { identifyCluster } from './identify.ts';
import { takeAllStock, takeEmptyStock } from './stock.ts';
import { trusts } from './trust.ts';

/** Throws when the spool cannot be swept; a dead cluster or store is told and waits for the run. */
export async function prepare(deps: EngineDeps, signal: AbortSignal): Promise<void> {
  await sweepSpool(deps);
  await lookAround(deps, signal);
}

/** Reads every store and tells what it holds; stores that cannot be read are told as well. */
export async function lookAround(deps: EngineDeps, signal: AbortSignal): Promise<void> {
  const cluster = await identifyCluster(deps, signal);
  if (cluster === undefined) await takeEmptyStock(deps, signal);
  else await takeAllStock(cluster, deps, signal);
}

/** Removes what killed processes left in the spool. */
export async function sweepSpool(deps: Pick<EngineDeps, 'spool' | 'observe'>): Promise<void> {
  const files = await deps.spool.sweep();
  if (files.length > 0) deps.observe({ kind: 'spool-swept', files });
}

/**
 * When the newest proved backup that every store has was started: the oldest of the stores'
 * newest. Undefined when a store has none. Throws when neither cluster nor stores can tell.
 */
export async function lastSuccess(
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<Date | undefined> {
  const cluster = await identifyCluster(deps, signal);
  if (cluster === undefined) return undefined;
  const newest = await Promise.all(
    deps.shelves.map(({ store }) =>
      deps
        .openCatalog(store, cluster)
        .latestProved({ signal, notAfter: deps.now(), trusts: trusts(deps.trust) }),
    ),
  );
  const times = newest.map((manifest) => manifest?.startedAt.getTime() ?? 0);
  const oldest = Math.min(...times);
  return oldest === 0 ? undefined : new Date(oldest);
}
