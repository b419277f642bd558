/** Stores in memory that hold different backups of one cluster. */

import { openCatalog } from '../../../src/catalog/catalog.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { composeBackupId, dataName, manifestName } from '../../../src/core/names.ts';
import type { RetentionPolicy } from '../../../src/core/retention.ts';
import type { EngineDeps } from '../../../src/engine/deps.ts';
import { type HealReport, healStores } from '../../../src/engine/heal.ts';
import { memoryStore } from '../../../src/store/memory.ts';
import { namesIn, putBytes, readBytes } from '../../contract/store-bodies.ts';
import { type FaultyStore, faultyStore } from '../../support/faults.ts';
import { hourMs, openWorkshop, signal, type Workshop } from './workshop.ts';

export interface StoreRules {
  readonly retention?: RetentionPolicy;
  readonly distance?: number;
}

export interface Healing extends AsyncDisposable {
  readonly work: Workshop;
  readonly deps: EngineDeps;
  store(name: string): FaultyStore;
  /** Puts the backup of an hour into the named stores; 0 is now, 1 an hour ago. */
  give(hoursAgo: number, stores: readonly string[], changes?: Partial<Manifest>): Promise<string>;
  heal(changes?: Partial<EngineDeps>, ending?: AbortSignal): Promise<HealReport>;
  /** Ids of what is listed there, the oldest first. */
  listed(name: string): Promise<string[]>;
  /** What is put where, in the order in which it was committed. */
  copied(): string[];
  /** Every object and its bytes as text. */
  contents(name: string): Promise<ReadonlyMap<string, string>>;
}

/** Stores by name, the nearest first; without rules they keep everything. */
export async function healing(rules: Readonly<Record<string, StoreRules>>): Promise<Healing> {
  const stores = new Map(
    Object.keys(rules).map((name) => [name, faultyStore(memoryStore({ name }))]),
  );
  const store = (name: string): FaultyStore => stores.get(name) as FaultyStore;
  const shelves = Object.entries(rules).map(([name, { retention = {}, distance = 0 }]) => {
    return { store: store(name), retention, distance };
  });
  const work = openWorkshop({ stores: ['memory'], deps: { shelves } });
  const pattern = await work.place({ hold: null });
  const content = await readBytes(work.store('memory'), pattern.sealed.object);
  const cluster = work.cluster.id;
  const now = work.deps.now().getTime();
  return {
    work,
    deps: work.deps,
    store,
    async give(hoursAgo, names, changes = {}) {
      const startedAt = new Date(now - hoursAgo * hourMs);
      const id = composeBackupId(startedAt, pattern.revision, 'same');
      const sealed = { ...pattern.sealed, object: dataName(cluster, id) };
      const manifest = { ...pattern, id, startedAt, sealed, ...changes };
      for (const name of names) {
        await putBytes(store(name), sealed.object, content);
        await openCatalog(store(name), cluster).commit(manifest, { signal });
      }
      return id;
    },
    heal: (changes = {}, ending = signal) =>
      healStores(cluster, { ...work.deps, ...changes }, { signal: ending }),
    async listed(name) {
      const { backups, faults } = await openCatalog(store(name), cluster).backups({ signal });
      for (const { failure } of faults) throw failure;
      return backups.map(({ id }) => id);
    },
    copied: () => work.of('backup-copied').map(({ id, from, store: to }) => `${from}>${to} ${id}`),
    async contents(name) {
      const names = await namesIn(store(name));
      const bytes = names.map(async (each) => [each, `${await readBytes(store(name), each)}`]);
      return new Map((await Promise.all(bytes)) as [string, string][]);
    },
    [Symbol.asyncDispose]: () => work[Symbol.asyncDispose](),
  };
}

export function manifestOf(scene: Healing, id: string): string {
  return manifestName(scene.work.cluster.id, id as Manifest['id']);
}
