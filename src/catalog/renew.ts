/**
 * Writing a manifest anew where the one that the store holds cannot be believed any more. Unlike a
 * commit it takes nothing back when it fails: what is there keeps the data from being swept.
 */
import type { Manifest } from '../core/manifest.ts';
import { manifestName } from '../core/names.ts';
import { demandData, demandSame, demandSound } from './commit.ts';
import { type ClusterFolder, printManifest, writeText } from './manifest-object.ts';

/** Whoever calls it has compared the data with this manifest. */
export async function renewManifest(
  folder: ClusterFolder,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<void> {
  demandSound(manifest);
  const text = printManifest(folder, manifest);
  await demandData(folder, manifest, signal);
  await writeText(folder.store, manifestName(folder.cluster, manifest.id), text, signal);
  await demandSame(folder, manifest, text, signal);
}
