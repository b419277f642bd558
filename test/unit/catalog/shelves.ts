/** Stores with backups in them, for the tests of the catalog. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openCatalog } from '../../../src/catalog/catalog.ts';
import { type BackupId, type ClusterId, clusterId, revision } from '../../../src/core/backup.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { encodeManifest } from '../../../src/core/manifest-json.ts';
import { composeBackupId, dataName, manifestName } from '../../../src/core/names.ts';
import { fileStore } from '../../../src/store/file.ts';
import { memoryStore } from '../../../src/store/memory.ts';
import type { Store } from '../../../src/store/port.ts';
import { putBytes, signal } from '../../contract/store-bodies.ts';
import { sampleManifest } from '../core/sample-manifest.ts';

export const cluster = clusterId('cdf818194e3a8c32');
export const otherCluster = clusterId('1');
export const hourMs = 3600 * 1000;

export function hoursAgo(hours: number): Date {
  return new Date(Math.floor(Date.now() / 1000) * 1000 - hours * hourMs);
}

/** The catalog must behave alike on each of them. */
export const storeKinds: readonly { kind: string; makeStore: () => Store }[] = [
  { kind: 'memory', makeStore: () => memoryStore() },
  { kind: 'file', makeStore: makeFileStore },
];

function makeFileStore(): Store {
  const folder = mkdtempSync(join(tmpdir(), 'backupd-catalog-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return fileStore({ name: 'disk', root: join(folder, 'root') });
}

const content = 'sealed bytes';

export interface Draft {
  readonly startedAt: Date;
  readonly cluster?: ClusterId;
  readonly changes?: Partial<Manifest>;
}

/** A manifest that fits the data that `putData` puts. */
export function draftOf({ startedAt, cluster: owner = cluster, changes = {} }: Draft): Manifest {
  const at = revision(55919n);
  const id = composeBackupId(startedAt, at, 'abcd');
  const sealed = {
    ...sampleManifest().sealed,
    object: dataName(owner, id),
    sizeBytes: content.length,
  };
  const parts = { startedAt, revision: at, id, cluster: { id: owner, name: 'x' }, sealed };
  return sampleManifest({ hold: null, ...parts, ...changes });
}

export async function putData(store: Store, manifest: Manifest): Promise<void> {
  await putBytes(store, manifest.sealed.object, content);
}

/** A whole backup, by the catalog's own hand. */
export async function backUp(store: Store, draft: Draft): Promise<Manifest> {
  const manifest = draftOf(draft);
  await putData(store, manifest);
  await openCatalog(store, manifest.cluster.id).commit(manifest, { signal });
  return manifest;
}

/** A manifest put by hand, under a name that may not be its own. */
export async function putManifest(
  store: Store,
  manifest: Manifest,
  name: string = manifestName(manifest.cluster.id, manifest.id),
): Promise<void> {
  await putBytes(store, name, encodeManifest(manifest));
}

export async function listedIds(store: Store): Promise<BackupId[]> {
  const { backups } = await openCatalog(store, cluster).backups({ signal });
  return backups.map(({ id }) => id);
}

/** The store with some of its methods replaced: for what others do between two of our steps. */
export function overlaid(store: Store, changes: Partial<Store>): Store {
  return {
    name: store.name,
    describe: () => store.describe(),
    put: (...call) => store.put(...call),
    get: (...call) => store.get(...call),
    stat: (...call) => store.stat(...call),
    list: (...call) => store.list(...call),
    remove: (...call) => store.remove(...call),
    sweep: (...call) => store.sweep(...call),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    ...changes,
  } as Store;
}
