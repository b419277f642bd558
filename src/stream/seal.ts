/** From the bytes of a snapshot to what stores hold, and back: compressed, then encrypted. */
import type { Manifest } from '../core/manifest.ts';
import { decryptAge, encryptAge } from './age.ts';
import type { Identity } from './age-keys.ts';
import { type Codec, compress, decompress } from './compress.ts';

type Bytes = AsyncIterable<Uint8Array>;

export interface SealRules {
  readonly codec: Codec;
  /** The codec's own; without a meaning for `none`. */
  readonly level: number;
  /** Raw X25519 public keys; none: not encrypted. */
  readonly recipients: readonly Uint8Array[];
}

/** Whether stores hold other bytes than etcd sent. */
export function changesBytes({ codec, recipients }: SealRules): boolean {
  return codec !== 'none' || recipients.length > 0;
}

/** What the name of a sealed object ends with, so that the standard tools know it: `.zst.age`. */
export function sealedSuffix({ codec, recipients }: SealRules): string {
  const packed = { none: '', gzip: '.gz', zstd: '.zst' }[codec];
  return recipients.length > 0 ? `${packed}.age` : packed;
}

export function seal(plain: Bytes, { codec, level, recipients }: SealRules): Bytes {
  const packed = compress(plain, codec, level);
  return recipients.length > 0 ? encryptAge(packed, recipients) : packed;
}

/** Throws `object-damaged`, and `config-invalid` when no identity fits. */
export function unseal(
  sealed: Bytes,
  { codec, encryption }: Manifest['sealed'],
  identities: readonly Identity[],
): Bytes {
  const packed = encryption === null ? sealed : decryptAge(sealed, identities);
  return decompress(packed, codec);
}
