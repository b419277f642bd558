/** What the store itself refuses to remove: a policy cannot, and must not say that it did. */
import type { Manifest } from '../core/manifest.ts';
import { manifestName, objectName } from '../core/names.ts';
import type { LockEnd } from '../core/retention.ts';
import { type ClusterFolder, orMissing } from './manifest-object.ts';

/** Until when the store keeps the data or the manifest, whichever it keeps longer. */
export async function lockEndOf(
  { store, cluster }: ClusterFolder,
  { id, sealed }: Manifest,
  signal: AbortSignal,
): Promise<LockEnd | undefined> {
  const names = [manifestName(cluster, id), objectName(sealed.object)];
  const facts = await Promise.all(names.map((name) => orMissing(store.stat(name, { signal }))));
  const ends = facts.flatMap((each) => each?.lockedUntil ?? []);
  if (ends.includes('legal hold')) return 'legal hold';
  return (ends as Date[]).toSorted((one, other) => other.getTime() - one.getTime())[0];
}
