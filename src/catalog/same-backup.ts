/** Whether two manifests tell of one backup. */
import type { Manifest } from '../core/manifest.ts';
import { encodeManifest } from '../core/manifest-json.ts';

/** What may differ between the copies of a backup in several stores is left out. */
export function isSameBackup(one: Manifest, other: Manifest): boolean {
  const { hold, proofs, labels, finishedAt } = one;
  return encodeManifest({ ...other, hold, proofs, labels, finishedAt }) === encodeManifest(one);
}
