/**
 * Changing what may change about a backup: its hold, its proofs, its labels. The manifest is read
 * again right before it is edited. A check that took ten minutes must not write back the manifest
 * it began with, and so undo a hold that was set meanwhile.
 */
import type { BackupId } from '../core/backup.ts';
import { Failure } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { encodeManifest } from '../core/manifest-json.ts';
import { manifestName } from '../core/names.ts';
import { demandSame } from './commit.ts';
import {
  type ClusterFolder,
  dataSize,
  orMissing,
  printManifest,
  readManifest,
  writeText,
} from './manifest-object.ts';

/** Returns the manifest that the store holds now. Throws `backup-missing`. */
export async function amendManifest(
  folder: ClusterFolder,
  id: BackupId,
  edit: (current: Manifest) => Manifest,
  signal: AbortSignal,
): Promise<Manifest> {
  const current = await orMissing(readManifest(folder, id, signal));
  if (current === undefined) throw backupMissing(folder, id);
  const edited = edit(current);
  demandSameBackup(current, edited);
  const text = printManifest(folder, edited);
  if (text === encodeManifest(current)) return current;
  const name = manifestName(folder.cluster, id);
  await writeText(folder.store, name, text, { signal });
  // Forgotten by somebody else between reading and writing: a manifest alone is no backup. The
  // other half of this is in forget.ts.
  if ((await dataSize(folder, edited, signal)) === undefined) {
    await folder.store.remove(name, { signal });
    throw backupMissing(folder, id);
  }
  await demandSame(folder, edited, text, signal);
  return edited;
}

export function backupMissing({ store, cluster }: ClusterFolder, id: BackupId): Failure {
  return new Failure('backup-missing', `store ${store.name} has no backup ${id} of ${cluster}`, {
    context: { store: store.name, cluster, id },
  });
}

function demandSameBackup(current: Manifest, edited: Manifest): void {
  const { hold, proofs, labels } = current;
  if (encodeManifest({ ...edited, hold, proofs, labels }) === encodeManifest(current)) return;
  throw new Failure('internal', `more than hold, proofs and labels of ${current.id} was edited`);
}
