/** What the admin API may see of the backups and do with them, done by the engine. */
import type { BackupId, ClusterId } from '../core/backup.ts';
import { Failure } from '../core/errors.ts';
import type { JobEnd } from '../core/jobs.ts';
import { encodeManifest } from '../core/manifest-json.ts';
import { parseObjectName } from '../core/names.ts';
import type { WorkOptions } from '../daemon/job.ts';
import type { VerifyOrder } from '../daemon/verifies.ts';
import type { EngineDeps } from '../engine/deps.ts';
import { holdBackup } from '../engine/hold.ts';
import { planPrune } from '../engine/prune.ts';
import { type Place, removeBackup } from '../engine/remove.ts';
import { verifyCopies } from '../engine/verify-copies.ts';
import type { BackupSource, Choice, PlanList } from '../http/sources.ts';
import { verifyEnd } from './job-ends.ts';
import type { Lodging } from './residence.ts';
import {
  type Copy,
  chosenClusters,
  chosenShelves,
  copiesOf,
  type Holdings,
  holdings,
} from './shelves.ts';

/** Each call ends in the house that it began in. */
export function backupDesk(lodging: Lodging): BackupSource {
  return {
    list: (...asked) => lodging.use((deps) => deskOf(deps).list(...asked)),
    find: (...asked) => lodging.use((deps) => deskOf(deps).find(...asked)),
    hold: (...asked) => lodging.use((deps) => deskOf(deps).hold(...asked)),
    remove: (...asked) => lodging.use((deps) => deskOf(deps).remove(...asked)),
    plan: (...asked) => lodging.use((deps) => deskOf(deps).plan(...asked)),
  };
}

function deskOf(deps: EngineDeps): BackupSource {
  return {
    list: async ({ limit, ...choice }, { signal }) => {
      const found = await look(choice, deps, signal);
      const newest = found.copies.toReversed().slice(0, limit);
      return { backups: newest.map(rowOf), unreadable: found.unreadable };
    },
    find: async (id, choice, { signal }) =>
      goodCopies(id, await look(choice, deps, signal)).map(rowOf),
    hold: async (id, { reason, ...choice }, { signal }) => {
      const found = await look(choice, deps, signal);
      const copies = goodCopies(id, found);
      requireOneCluster(id, copies);
      for (const { catalog } of copies) await holdBackup(catalog, id, reason, deps, { signal });
      const stores = copies.map(({ shelf }) => shelf.store.name);
      const state = reason === null ? 'released' : 'held';
      requireAllRead(found, `backup ${id} is ${state} in ${stores.join(', ')}`);
      return stores;
    },
    remove: async (id, choice, { signal }) => {
      const places = await whereverItIs(id, choice, deps, signal);
      await removeBackup(id, places, deps, { signal });
      return places.map(({ shelf }) => shelf.store.name);
    },
    plan: (choice, { signal }) => planAll(choice, deps, signal),
  };
}

/** Throws `backup-missing` where there is nothing to verify. */
export async function requireBackup(
  { backup, ...choice }: Choice & { readonly backup: BackupId },
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<void> {
  await whereverItIs(backup, choice, deps, signal);
}

/** Verifies every copy that there is when its turn has come. */
export async function verifyAsked(
  { backup, deep, ...choice }: VerifyOrder,
  deps: EngineDeps,
  { signal, observe }: WorkOptions,
): Promise<JobEnd> {
  const told = { ...deps, observe };
  const places = await whereverItIs(backup, choice, told, signal);
  const catalogs = places.map(({ catalog }) => catalog);
  return verifyEnd(await verifyCopies(backup, catalogs, told, { deep, signal }));
}

function look(choice: Choice, deps: EngineDeps, signal: AbortSignal): Promise<Holdings> {
  return holdings({ values: { store: choice.store, cluster: choice.cluster }, signal }, deps);
}

function rowOf({ shelf, manifest }: Copy): unknown {
  return { store: shelf.store.name, ...JSON.parse(encodeManifest(manifest)) };
}

/** Nobody can say that a backup is not there while a store does not answer. */
function goodCopies(id: BackupId, found: Holdings): readonly Copy[] {
  const hasIt = found.copies.some(({ manifest }) => manifest.id === id);
  if (!hasIt) requireAllRead(found, `backup ${id} is in no store that can be read`);
  return copiesOf({ positionals: [id] }, found);
}

/** Also where its data is gone or its manifest broken: it can be removed, or told of. */
async function whereverItIs(
  id: BackupId,
  choice: Choice,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<readonly Place[]> {
  const found = await look(choice, deps, signal);
  requireAllRead(found, 'nothing was done');
  const broken = found.faults.flatMap(({ store, fault }): Place[] => {
    const parsed = parseObjectName(fault.name);
    const shelf = deps.shelves.find((one) => one.store.name === store);
    if (parsed?.kind !== 'manifest' || parsed.id !== id || shelf === undefined) return [];
    return [{ shelf, catalog: deps.openCatalog(shelf.store, parsed.cluster) }];
  });
  const good = found.copies.filter(({ manifest }) => manifest.id === id);
  const at = ({ shelf }: Place): number => deps.shelves.indexOf(shelf);
  const places = [...good, ...broken]
    .map(({ shelf, catalog }) => ({ shelf, catalog }))
    .sort((one, other) => at(one) - at(other));
  if (places.length === 0) throw new Failure('backup-missing', `no store has a backup ${id}`);
  requireOneCluster(id, places);
  return places;
}

function requireOneCluster(id: BackupId, places: readonly Place[]): void {
  const clusters = [...new Set(places.map(({ catalog }) => catalog.cluster))];
  if (clusters.length === 1) return;
  throw new Failure('usage', `several clusters have a backup ${id}: ${clusters.join(', ')}`, {
    hint: `Name one: ?cluster=${clusters[0]}`,
  });
}

function requireAllRead({ unreadable: [first] }: Holdings, done: string): void {
  if (first === undefined) return;
  const { store, failure } = first;
  const message = `${done}; store ${store} cannot be read: ${failure.message}`;
  throw new Failure(failure.code, message, { cause: failure, hint: failure.hint });
}

/** A store that cannot be read must not hide what the others would remove. */
async function planAll(choice: Choice, deps: EngineDeps, signal: AbortSignal): Promise<PlanList> {
  const call = { values: { store: choice.store, cluster: choice.cluster }, signal };
  const shelves = chosenShelves(call, deps);
  const [cluster = null, ...others] = await chosenClusters(call, deps);
  if (others.length > 0) {
    const ids = [cluster, ...others].join(', ');
    throw new Failure('usage', `the stores hold several clusters, name one: ${ids}`, {
      hint: `Name one: ?cluster=${cluster}`,
    });
  }
  const { unreadable } = await look(choice, deps, signal);
  const stores: PlanList['stores'][number][] = [];
  for (const shelf of cluster === null ? [] : shelves) {
    const { name } = shelf.store;
    if (unreadable.some(({ store }) => store === name)) continue;
    const decisions = await planPrune(shelf, cluster as ClusterId, deps, signal);
    stores.push({ store: name, decisions });
  }
  return { cluster, stores, unreadable };
}
