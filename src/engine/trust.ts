/** Whether a manifest is what its writer wrote: by signature, and by what the data itself knows. */
import { randomBytes, sign, verify } from 'node:crypto';
import { isAhead } from '../core/clocks.ts';
import { Failure } from '../core/errors.ts';
import { isProved, type Manifest } from '../core/manifest.ts';
import { macFault, signatureFault } from '../core/manifest-core.ts';
import type { EngineDeps, Trust } from './deps.ts';

/** Reads the trusted keys once; what it returns tells of each manifest why it is not trusted. */
export function doubts(trust: Trust): (manifest: Manifest) => Failure | undefined {
  const keys = trust.acceptsUnsigned ? [] : trust.keys();
  if (keys.length === 0) return () => undefined;
  return (manifest) => {
    const fault = signatureFault(manifest, keys);
    return fault === undefined ? undefined : untrusted(manifest, fault);
  };
}

/** For what counts backups: who is not trusted must not make the newest one look young. */
export function trusts(trust: Trust): (manifest: Manifest) => boolean {
  const doubtOf = doubts(trust);
  return (manifest) => doubtOf(manifest) === undefined;
}

/**
 * Whether a backup counts as one that there is: proved, trusted, and not dated ahead, which is a
 * wrong clock and must not make the newest backup look young.
 */
export function counts(trust: Trust, now: Date): (manifest: Manifest) => boolean {
  const isTrusted = trusts(trust);
  return (manifest) =>
    isProved(manifest) && !isAhead(manifest.startedAt, now) && isTrusted(manifest);
}

/** Throws `backup-untrusted`. */
export function requireTrusted(manifest: Manifest, { trust }: Pick<EngineDeps, 'trust'>): void {
  const doubt = doubts(trust)(manifest);
  if (doubt !== undefined) throw doubt;
}

/** Throws `backup-untrusted` where the manifest and the encrypted data do not belong together. */
export function requireMac(
  manifest: Manifest,
  macKey: Uint8Array,
  { trust }: Pick<EngineDeps, 'trust'>,
): void {
  const fault = trust.acceptsUnsigned ? undefined : macFault(manifest, macKey);
  if (fault !== undefined) throw untrusted(manifest, fault);
}

/**
 * Signs something and checks it with the trusted keys. Says what was done, for people; undefined
 * where nothing is signed and no signature is asked for.
 */
export function trySignature(trust: Trust): string | undefined {
  const signer = trust.signer();
  const keys = trust.keys();
  if (signer === null && keys.length === 0) return undefined;
  if (signer === null) {
    const message = 'keys are trusted here, and no backup that is taken here is signed';
    const hint = 'Set seal.signingKeyFile, or leave out seal.trustedKeys where none is restored.';
    throw new Failure('config-invalid', message, { hint });
  }
  const probe = randomBytes(1024);
  const signature = sign(null, probe, signer.key);
  const own = keys.find(({ fingerprint }) => fingerprint === signer.fingerprint);
  if (own === undefined || !verify(null, probe, own.key, signature)) {
    throw new Failure('internal', `what ${signer.fingerprint} signed is not trusted`);
  }
  const others = keys
    .map(({ fingerprint }) => fingerprint)
    .filter((one) => one !== own.fingerprint);
  const also = others.length === 0 ? '' : `; trusted too: ${[...new Set(others)].join(', ')}`;
  return `signed by ${signer.fingerprint}, and found right${also}`;
}

function untrusted({ id }: Manifest, fault: string): Failure {
  return new Failure('backup-untrusted', `the manifest of backup ${id} ${fault}`);
}
