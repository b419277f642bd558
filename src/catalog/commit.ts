/**
 * The manifest goes in last and makes the backup. What fails here leaves data without a manifest:
 * an orphan, which the sweep removes after its grace.
 */
import { Failure } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { manifestName } from '../core/names.ts';
import {
  type ClusterFolder,
  dataFault,
  dataSize,
  orMissing,
  parseManifest,
  printManifest,
  readText,
  writeText,
} from './manifest-object.ts';
import { isSameBackup } from './same-backup.ts';

// For taking back a manifest after a failure or an abort: short, because somebody waits to stop.
const withdrawLimitMs = 10_000;

/** Throws and leaves nothing listed unless the store holds the data and returns the manifest. */
export async function commitManifest(
  folder: ClusterFolder,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<void> {
  demandSound(manifest);
  const text = printManifest(folder, manifest);
  await demandData(folder, manifest, signal);
  if (await isCommitted(folder, manifest, text, signal)) return;
  const name = manifestName(folder.cluster, manifest.id);
  try {
    await writeText(folder.store, name, text, signal);
    await demandSame(folder, manifest, text, signal);
    // Again, because a sweep by a clock that is far ahead may have taken the data meanwhile.
    await demandData(folder, manifest, signal);
  } catch (thrown) {
    // Also when put failed: its answer may be lost and the manifest there.
    await withdraw(folder, manifest);
    throw thrown;
  }
}

/** Throws `object-damaged` when the store does not return the text that it took. */
export async function demandSame(
  folder: ClusterFolder,
  manifest: Manifest,
  text: string,
  signal: AbortSignal,
): Promise<void> {
  const name = manifestName(folder.cluster, manifest.id);
  if ((await readText(folder.store, name, signal)) === text) return;
  throw new Failure(
    'object-damaged',
    `store ${folder.store.name} returned another manifest than it took: ${name}`,
    { context: { store: folder.store.name, id: manifest.id } },
  );
}

export function demandSound({ id, proofs }: Manifest): void {
  if (proofs.received?.outcome === 'passed' && proofs.sound?.outcome === 'passed') return;
  throw new Failure('internal', `commit of ${id}, which is not proved to be received and sound`);
}

export async function demandData(
  folder: ClusterFolder,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<void> {
  const failure = dataFault(folder, manifest, await dataSize(folder, manifest, signal));
  if (failure !== undefined) throw failure;
}

async function isCommitted(
  folder: ClusterFolder,
  manifest: Manifest,
  text: string,
  signal: AbortSignal,
): Promise<boolean> {
  const name = manifestName(folder.cluster, manifest.id);
  const present = await orMissing(readText(folder.store, name, signal));
  if (present === undefined) return false;
  if (present === text || isCopy(folder, manifest, present)) return true;
  // Two daemons with one id. Replacing the manifest would describe the other's data.
  const message = `store ${folder.store.name} already has another backup named ${manifest.id}`;
  throw new Failure('store-failed', message, {
    context: { store: folder.store.name, id: manifest.id },
  });
}

/** Somebody else made a copy of the same backup here meanwhile. */
function isCopy(folder: ClusterFolder, manifest: Manifest, present: string): boolean {
  try {
    return isSameBackup(parseManifest(folder, manifest.id, present), manifest);
  } catch {
    return false;
  }
}

async function withdraw(folder: ClusterFolder, manifest: Manifest): Promise<void> {
  const name = manifestName(folder.cluster, manifest.id);
  try {
    await folder.store.remove(name, { signal: AbortSignal.timeout(withdrawLimitMs) });
  } catch {
    // The store is in trouble, and the first failure says so. If the manifest did get in, it is
    // whole and its data was there: a good backup that was reported as failed.
  }
}
