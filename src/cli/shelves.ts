/** Finds backups over all stores and clusters for the commands that name one. */
import type { Catalog, CatalogFault } from '../catalog/catalog.ts';
import { type BackupId, type ClusterId, clusterId } from '../core/backup.ts';
import { Failure, toFailure } from '../core/errors.ts';
import { isProved, type Manifest } from '../core/manifest.ts';
import { parseBackupId } from '../core/names.ts';
import type { EngineDeps, Shelf } from '../engine/deps.ts';
import { knownClusters } from '../engine/identify.ts';
import { listClusters } from '../engine/listings.ts';
import type { Call, Option } from './command.ts';

export const shelfOptions: Readonly<Record<string, Option>> = {
  store: { type: 'string', value: 'NAME', doc: 'only this store' },
  cluster: { type: 'string', value: 'ID', doc: 'only this cluster id (16 hex digits)' },
};

/** A backup as one store holds it. */
export interface Copy {
  readonly shelf: Shelf;
  readonly catalog: Catalog;
  readonly manifest: Manifest;
}

export interface Holdings {
  /** Oldest first. */
  readonly copies: readonly Copy[];
  readonly faults: readonly { readonly store: string; readonly fault: CatalogFault }[];
  readonly unreadable: readonly { readonly store: string; readonly failure: Failure }[];
}

/** The stores that the call names, or all. */
export function chosenShelves(call: Pick<Call, 'values'>, deps: EngineDeps): readonly Shelf[] {
  const name = call.values.store;
  if (typeof name !== 'string') return deps.shelves;
  const shelf = deps.shelves.find(({ store }) => store.name === name);
  if (shelf !== undefined) return [shelf];
  const known = deps.shelves.map(({ store }) => store.name).join(', ');
  throw new Failure('usage', `no store is named ${JSON.stringify(name)}; there are: ${known}`);
}

/** The cluster ids that the call names, or all that the stores hold. */
export async function chosenClusters(
  call: Pick<Call, 'values' | 'signal'>,
  deps: EngineDeps,
): Promise<readonly ClusterId[]> {
  const named = call.values.cluster;
  if (typeof named !== 'string') return knownClusters(deps, call.signal);
  return [readClusterId(named)];
}

/** As a person gave it. Throws `usage` for what is none. */
export function readClusterId(text: string): ClusterId {
  if (/^[0-9a-fA-F]{1,16}$/.test(text)) return clusterId(text);
  throw new Failure('usage', `not a cluster id: ${JSON.stringify(text)}`);
}

/** Reads every chosen store; one that cannot be read must not hide what the others hold. */
export async function holdings(
  call: Pick<Call, 'values' | 'signal'>,
  deps: EngineDeps,
): Promise<Holdings> {
  const ids = await chosenClusters(call, deps);
  const copies: Copy[] = [];
  const faults: Holdings['faults'][number][] = [];
  const unreadable: Holdings['unreadable'][number][] = [];
  for (const shelf of chosenShelves(call, deps)) {
    const store = shelf.store.name;
    try {
      for (const { catalog, listing } of await listClusters(shelf, ids, deps, call.signal)) {
        copies.push(...listing.backups.map((manifest) => ({ shelf, catalog, manifest })));
        faults.push(...listing.faults.map((fault) => ({ store, fault })));
      }
    } catch (error) {
      call.signal.throwIfAborted();
      unreadable.push({ store, failure: toFailure(error, 'store-failed') });
    }
  }
  const age = (copy: Copy): number => copy.manifest.startedAt.getTime();
  return { copies: copies.sort((a, b) => age(a) - age(b)), faults, unreadable };
}

/** Tells faults and dead stores on stderr; returns the exit status that they ask for. */
export function tellTroubles(call: Pick<Call, 'terminal'>, found: Holdings): number {
  for (const { store, fault } of found.faults) {
    call.terminal.err(`${store}: ${fault.failure.message}\n`);
  }
  for (const { store, failure } of found.unreadable) {
    call.terminal.err(`${store}: cannot be read: ${failure.message}\n  ${failure.hint}\n`);
  }
  return found.unreadable[0]?.failure.exitCode ?? 0;
}

/** All copies of the backup that the first positional names; `latest` is the newest proved one. */
export function copiesOf(call: Pick<Call, 'positionals'>, found: Holdings): readonly Copy[] {
  const named = call.positionals[0] ?? '';
  const id: BackupId | undefined =
    named === 'latest'
      ? found.copies.findLast(({ manifest }) => isProved(manifest))?.manifest.id
      : parseBackupId(named);
  const copies = found.copies.filter(({ manifest }) => manifest.id === id);
  if (copies.length > 0) return copies;
  const what = named === 'latest' ? 'no proved backup' : `no backup ${named}`;
  throw new Failure('backup-missing', `${what} in any store that could be read`);
}
