/**
 * What backups a store has, by their manifests alone. What cannot be believed becomes a fault
 * beside the backups: one bad manifest must not hide the good ones, nor be taken for one.
 */
import type { BackupId } from '../core/backup.ts';
import { Failure, type FailureCode } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import {
  type BackupStem,
  manifestName,
  type ObjectName,
  objectName,
  parseObjectName,
} from '../core/names.ts';
import {
  type ClusterFolder,
  dataFault,
  dataSize,
  orMissing,
  readManifest,
} from './manifest-object.ts';

export interface CatalogFault {
  /** The manifest's object. */
  readonly name: ObjectName;
  readonly failure: Failure;
  /** Where the manifest is good but its data is missing or has another size. */
  readonly manifest?: Manifest;
}

export interface CatalogListing {
  /** Oldest first, newest last. */
  readonly backups: readonly Manifest[];
  readonly faults: readonly CatalogFault[];
}

/** The names under a cluster's folder that are ours, manifests and data apart. */
export interface Inventory {
  readonly manifests: readonly BackupId[];
  readonly data: ReadonlyMap<ObjectName, DataFacts>;
}

interface DataFacts {
  readonly stem: BackupStem;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

// Enough to hide the latency of an object store, few enough for the smallest of them.
const readersAtOnce = 8;

const storeCodes: readonly FailureCode[] = ['store-failed', 'store-denied', 'timed-out'];

/**
 * Throws when the store cannot be listed, or when it answers for no manifest at all: an empty
 * listing would say that there are no backups, which nobody knows then.
 */
export async function readListing(
  folder: ClusterFolder,
  signal: AbortSignal,
): Promise<CatalogListing> {
  const { manifests, data } = await takeInventory(folder, signal);
  const backups: Manifest[] = [];
  const faults: CatalogFault[] = [];
  await forEachAtOnce(manifests, async (id) => {
    const entry = await readEntry(folder, id, data, signal);
    if (entry === undefined) return;
    if ('failure' in entry) faults.push(entry);
    else backups.push(entry);
  });
  const [first] = faults;
  const unanswered = faults.filter(({ failure }) => storeCodes.includes(failure.code));
  if (first !== undefined && backups.length === 0 && unanswered.length === faults.length) {
    throw first.failure;
  }
  return {
    backups: backups.sort(byTime),
    faults: faults.sort((left, right) => (left.name < right.name ? -1 : 1)),
  };
}

export async function takeInventory(
  folder: ClusterFolder,
  signal: AbortSignal,
): Promise<Inventory> {
  const manifests: BackupId[] = [];
  const data = new Map<ObjectName, DataFacts>();
  for await (const facts of folder.store.list(`${folder.cluster}/`, { signal })) {
    const parsed = parseObjectName(facts.name);
    if (parsed?.kind === 'manifest') manifests.push(parsed.id);
    if (parsed?.kind === 'data') data.set(facts.name, { ...facts, stem: parsed.stem });
  }
  return { manifests, data };
}

/** By time; by id only between two of one instant. */
export function byTime(left: Manifest, right: Manifest): number {
  const earlier = left.startedAt.getTime() - right.startedAt.getTime();
  return earlier !== 0 ? earlier : left.id < right.id ? -1 : 1;
}

async function readEntry(
  folder: ClusterFolder,
  id: BackupId,
  data: Inventory['data'],
  signal: AbortSignal,
): Promise<Manifest | CatalogFault | undefined> {
  const name = manifestName(folder.cluster, id);
  try {
    const manifest = await orMissing(readManifest(folder, id, signal));
    // Forgotten since it was listed.
    if (manifest === undefined) return undefined;
    const listed = data.get(objectName(manifest.sealed.object));
    const failure = await confirmedDataFault(folder, manifest, listed?.sizeBytes, signal);
    if (failure === undefined) return manifest;
    if (await isForgotten(folder, id, signal)) return undefined;
    return { name, failure, manifest };
  } catch (thrown) {
    signal.throwIfAborted();
    if (!(thrown instanceof Failure)) throw thrown;
    return { name, failure: thrown };
  }
}

// A listing is no moment in time: a backup committed while it ran may show its manifest only. So
// bad news from the listing is asked for again, object by object.
async function confirmedDataFault(
  folder: ClusterFolder,
  manifest: Manifest,
  listedBytes: number | undefined,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  if (dataFault(folder, manifest, listedBytes) === undefined) return undefined;
  return dataFault(folder, manifest, await dataSize(folder, manifest, signal));
}

async function isForgotten(
  folder: ClusterFolder,
  id: BackupId,
  signal: AbortSignal,
): Promise<boolean> {
  const name = manifestName(folder.cluster, id);
  return (await orMissing(folder.store.stat(name, { signal }))) === undefined;
}

async function forEachAtOnce<T>(
  items: readonly T[],
  visit: (item: T) => Promise<void>,
): Promise<void> {
  // One iterator for all readers: each takes the next item that nobody took.
  const queue = items.values();
  const read = async () => {
    for (const item of queue) await visit(item);
  };
  await Promise.all(Array.from({ length: readersAtOnce }, read));
}
