/** From the bytes of a snapshot to what stores hold, and back: compressed, then encrypted. */
import { recipientText } from '../core/age-text.ts';
import type { Manifest } from '../core/manifest.ts';
import type { SealSuffix } from '../core/names.ts';
import { decryptAge, encryptAge, macKeyOf } from './age.ts';
import type { Identity } from './age-keys.ts';
import { type Codec, compress, decompress } from './compress.ts';

type Bytes = AsyncIterable<Uint8Array>;

export interface SealRules {
  readonly codec: Codec;
  /** Null: what the codec's own tool takes by itself. */
  readonly level: number | null;
  /** Raw X25519 public keys; none: not encrypted. */
  readonly recipients: readonly Uint8Array[];
}

/** Whether stores hold other bytes than etcd sent. */
export function changesBytes({ codec, recipients }: SealRules): boolean {
  return codec !== 'none' || recipients.length > 0;
}

/** What the name of a sealed object ends with: `.zst.age`. */
export function sealSuffix({ codec, recipients }: SealRules): SealSuffix {
  const packed = ({ none: '', gzip: '.gz', zstd: '.zst' } as const)[codec];
  return recipients.length > 0 ? `${packed}.age` : packed;
}

/** How a manifest tells of it. */
export function encryptionOf({ recipients }: SealRules): Manifest['sealed']['encryption'] {
  if (recipients.length === 0) return null;
  return { scheme: 'age', recipients: recipients.map(recipientText) };
}

/** Without a file key that somebody wants to know of, each encryption makes its own. */
export function seal(
  plain: Bytes,
  { codec, level, recipients }: SealRules,
  fileKey?: Uint8Array,
): Bytes {
  const packed = compress(plain, codec, level);
  return recipients.length > 0 ? encryptAge(packed, recipients, fileKey) : packed;
}

/**
 * Throws `object-damaged` for bytes that are not what `seal` made, and `backup-locked` when no
 * identity fits. What it gave before it throws is not all. `onMacKey` is called before the first
 * byte of what was encrypted, and may throw.
 */
export function unseal(
  sealed: Bytes,
  { codec, encryption }: Pick<Manifest['sealed'], 'codec' | 'encryption'>,
  identities: readonly Identity[],
  onMacKey: (macKey: Uint8Array) => void = () => undefined,
): Bytes {
  const onFileKey = (fileKey: Uint8Array): void => onMacKey(macKeyOf(fileKey));
  const packed = encryption === null ? sealed : decryptAge(sealed, identities, onFileKey);
  return decompress(packed, codec);
}
