/** Who vouches for a manifest, in one word for people. */
import type { Manifest } from '../core/manifest.ts';
import type { Trust } from '../engine/deps.ts';
import { doubts } from '../engine/trust.ts';

/**
 * Reads the trusted keys once. `unsigned`; the fingerprint of the trusted key that signed; the same
 * with a question mark where no key is trusted, so that nobody has checked it; or `UNTRUSTED`.
 */
export function signedWords(trust: Trust): (manifest: Manifest) => string {
  const isChecked = trust.keys().length > 0;
  const doubtOf = doubts(trust);
  return (manifest) => {
    const claimed = manifest.authentication?.signature?.key;
    if (doubtOf(manifest) !== undefined) return 'UNTRUSTED';
    if (claimed === undefined) return 'unsigned';
    return isChecked ? claimed : `${claimed}?`;
  };
}
