/** The keys that sign manifests and those that are trusted, from their files. */
import type { SealConfig } from '../config/config.ts';
import { readKeyFile } from '../config/secret-file.ts';
import {
  parseSigningKey,
  parseTrustedKey,
  publicHalf,
  type SigningKey,
  type TrustedKey,
} from '../core/signing-key.ts';
import type { Trust } from '../engine/deps.ts';

type KeyConfig = Pick<SealConfig, 'signingKeyFile' | 'trustedKeys'>;

/** Who signs trusts its own key too. */
export function trustOf(
  { signingKeyFile, trustedKeys }: KeyConfig,
  { acceptsUnsigned }: Pick<Trust, 'acceptsUnsigned'>,
): Trust {
  const signer = (): SigningKey | null =>
    signingKeyFile === null ? null : parseSigningKey(readKeyFile(signingKeyFile), signingKeyFile);
  const own = (): TrustedKey[] => {
    try {
      const key = signer();
      return key === null ? [] : [publicHalf(key)];
    } catch (error) {
      // Where others are trusted, a host that only restores does without: fewer keys open less.
      if (trustedKeys.length > 0) return [];
      throw error;
    }
  };
  return { signer, keys: () => [...trustedKeys.map(trusted), ...own()], acceptsUnsigned };
}

/** A path, or the key itself. */
function trusted(named: string): TrustedKey {
  if (!named.startsWith('/')) return parseTrustedKey(named, 'seal.trustedKeys');
  return parseTrustedKey(readKeyFile(named), named);
}
