/** Keys that sign manifests, as files would hold them, and hosts that trust them. */
import { generateKeyPairSync } from 'node:crypto';
import {
  parseSigningKey,
  parseTrustedKey,
  type SigningKey,
  type TrustedKey,
} from '../../src/core/signing-key.ts';
import type { Trust } from '../../src/engine/deps.ts';

export interface KeyPair {
  readonly secret: SigningKey;
  readonly trusted: TrustedKey;
  readonly secretPem: string;
  readonly publicPem: string;
}

export function keyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const secretPem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const publicPem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const secret = parseSigningKey(secretPem, 'a test');
  return { secret, trusted: parseTrustedKey(publicPem, 'a test'), secretPem, publicPem };
}

/** A host that signs, and trusts its own key and no other. */
export function signing(pair: KeyPair): Trust {
  return { signer: () => pair.secret, keys: () => [pair.trusted], acceptsUnsigned: false };
}

/** A host that does not sign. */
export function trusting(...pairs: KeyPair[]): Trust {
  const keys = pairs.map(({ trusted }) => trusted);
  return { signer: () => null, keys: () => keys, acceptsUnsigned: false };
}
