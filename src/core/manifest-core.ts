/**
 * The part of a manifest that somebody can vouch for: everything but what may change later. It
 * holds the digests of the data, the id and the cluster id, so these are vouched for as well.
 *
 * Its text is canonical as RFC 8785 wants it (no spaces, keys in order), so that
 * `jq -jcS 'del(...)'` writes the same bytes.
 */
import { createHmac, sign, timingSafeEqual, verify } from 'node:crypto';
import type { Manifest } from './manifest.ts';
import { encodeManifest } from './manifest-json.ts';
import type { SigningKey, TrustedKey } from './signing-key.ts';

/**
 * What is left out: holds and labels are set later, `finishedAt` and `stored` are the store's own,
 * `restored` comes with a drill. Whatever else is there is vouched for, known here or not.
 */
const laterKeys = ['authentication', 'finishedAt', 'hold', 'labels'] as const;
const laterProofs = ['stored', 'restored'] as const;

/** Nothing else that anybody signs begins like this. */
const purpose = 'etcd-backupd manifest\n';

/** The bytes that are signed. They do not change when a manifest is amended. */
export function manifestCore(manifest: Manifest): Buffer {
  const core: Record<string, unknown> = JSON.parse(encodeManifest(manifest));
  for (const key of laterKeys) delete core[key];
  const proofs = core['proofs'] as Record<string, unknown>;
  for (const name of laterProofs) delete proofs[name];
  return Buffer.from(`${purpose}${canonical(core)}`);
}

function canonical(json: unknown): string {
  if (Array.isArray(json)) return `[${json.map(canonical).join(',')}]`;
  if (typeof json !== 'object' || json === null) return JSON.stringify(json);
  // By the code units of UTF-16, which is how `<` compares.
  const entries = Object.entries(json).sort(([left], [right]) => (left < right ? -1 : 1));
  const pairs = entries.map(([key, value]) => `${JSON.stringify(key)}:${canonical(value)}`);
  return `{${pairs.join(',')}}`;
}

export interface Vouchers {
  /** Null: nothing is signed. */
  readonly signer: SigningKey | null;
  /** Of the encrypted bytes; null: they are not encrypted. */
  readonly macKey: Uint8Array | null;
}

/** The manifest as those vouch for it. What `manifestCore` leaves out may be changed afterwards. */
export function vouchedFor(manifest: Manifest, { signer, macKey }: Vouchers): Manifest {
  if (signer === null && macKey === null) return manifest;
  const core = manifestCore(manifest);
  const signature = signer && {
    scheme: 'ed25519' as const,
    key: signer.fingerprint,
    value: sign(null, core, signer.key).toString('base64'),
  };
  return { ...manifest, authentication: { mac: macKey && macOf(core, macKey), signature } };
}

/** Why none of the keys vouches for it, as the end of a sentence; undefined when one does. */
export function signatureFault(
  manifest: Manifest,
  keys: readonly TrustedKey[],
): string | undefined {
  const signature = manifest.authentication?.signature ?? null;
  if (signature === null) return 'is not signed';
  const trusted = keys.find(({ fingerprint }) => fingerprint === signature.key);
  if (trusted === undefined) return `is signed by ${signature.key}, which is not trusted`;
  const core = manifestCore(manifest);
  if (verify(null, core, trusted.key, Buffer.from(signature.value, 'base64'))) return undefined;
  return `was changed since ${signature.key} signed it`;
}

/** The same for the key that came out of the encrypted bytes. */
export function macFault(manifest: Manifest, macKey: Uint8Array): string | undefined {
  const mac = manifest.authentication?.mac ?? null;
  if (mac === null) return 'has no MAC, though its data is encrypted';
  const right = macOf(manifestCore(manifest), macKey);
  if (timingSafeEqual(Buffer.from(mac), Buffer.from(right))) return undefined;
  return 'was changed, or its data was exchanged, since it was encrypted';
}

function macOf(core: Uint8Array, macKey: Uint8Array): string {
  return createHmac('sha256', macKey).update(core).digest('hex');
}
