/**
 * Removing a backup: the manifest first, for without it there is no backup any more, then the
 * data. A crash between the two leaves an orphan for the sweep, never a listed backup without data.
 */
import type { BackupId } from '../core/backup.ts';
import { Failure } from '../core/errors.ts';
import {
  dataPrefix,
  manifestName,
  type ObjectName,
  parseObjectName,
  stemsOf,
} from '../core/names.ts';
import { type ClusterFolder, readManifest } from './manifest-object.ts';

/** Idempotent. Throws `retention-unsafe` for a backup that is held. */
export async function forgetBackup(
  folder: ClusterFolder,
  id: BackupId,
  signal: AbortSignal,
): Promise<void> {
  const { store, cluster } = folder;
  await demandReleased(folder, id, signal);
  await store.remove(manifestName(cluster, id), { signal });
  for (const name of await dataNames(folder, id, signal)) await store.remove(name, { signal });
  // Somebody may have written an amended manifest between the two. Whoever amends looks for the
  // data after writing; we remove the manifest after the data: one of us sees the other.
  await store.remove(manifestName(cluster, id), { signal });
}

// Asked of the store: a manifest that is gone or cannot be read does not tell how it was sealed.
async function dataNames(
  { store, cluster }: ClusterFolder,
  id: BackupId,
  signal: AbortSignal,
): Promise<readonly ObjectName[]> {
  const names: ObjectName[] = [];
  for (const stem of stemsOf(id)) {
    for await (const { name } of store.list(dataPrefix(cluster, stem), { signal })) {
      const parsed = parseObjectName(name);
      if (parsed?.kind === 'data' && parsed.stem === stem) names.push(name);
    }
  }
  return names;
}

// Looked at now, not when the plan was made: a hold set since then counts.
async function demandReleased(
  folder: ClusterFolder,
  id: BackupId,
  signal: AbortSignal,
): Promise<void> {
  const hold = await readHold(folder, id, signal);
  if (hold === null) return;
  const { store } = folder;
  throw new Failure('retention-unsafe', `backup ${id} in store ${store.name} is held: ${hold}`, {
    context: { store: store.name, id },
  });
}

async function readHold(
  folder: ClusterFolder,
  id: BackupId,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    return (await readManifest(folder, id, signal)).hold?.reason ?? null;
  } catch (thrown) {
    // Missing: forgotten halfway. Unreadable: no plan ever names it, so a person did.
    const tolerated = ['object-missing', 'manifest-invalid', 'object-damaged'];
    if (thrown instanceof Failure && tolerated.includes(thrown.code)) return null;
    throw thrown;
  }
}
