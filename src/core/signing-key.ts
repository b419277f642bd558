/** Ed25519 keys as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write them. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { Failure } from './errors.ts';

/** The secret half. */
export interface SigningKey {
  readonly key: KeyObject;
  readonly fingerprint: string;
}

/** The public half. */
export interface TrustedKey {
  readonly key: KeyObject;
  /** The first 16 hex digits of the SHA-256 of the key in DER. */
  readonly fingerprint: string;
}

/** Throws `config-invalid`, without a byte of the text. */
export function parseSigningKey(pem: string, from: string): SigningKey {
  const key = read(() => createPrivateKey(pem), `${from} holds no private key in PEM`);
  requireEd25519(key, from);
  return { key, fingerprint: fingerprintOf(createPublicKey(key)) };
}

/** A public key in PEM, or only the line within. Throws `config-invalid`. */
export function parseTrustedKey(text: string, from: string): TrustedKey {
  if (/PRIVATE KEY/.test(text)) {
    throw invalid(`${from} holds a private key: name what "openssl pkey -pubout" prints for it`);
  }
  const armour = /^[A-Za-z0-9+/]+=*$/.test(text);
  const pem = armour ? `-----BEGIN PUBLIC KEY-----\n${text}\n-----END PUBLIC KEY-----` : text;
  const key = read(() => createPublicKey(pem), `${from} holds no public key in PEM`);
  requireEd25519(key, from);
  return { key, fingerprint: fingerprintOf(key) };
}

export function publicHalf({ key, fingerprint }: SigningKey): TrustedKey {
  return { key: createPublicKey(key), fingerprint };
}

function fingerprintOf(key: KeyObject): string {
  const der = key.export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(der).digest('hex').slice(0, 16);
}

function requireEd25519({ asymmetricKeyType }: KeyObject, from: string): void {
  if (asymmetricKeyType === 'ed25519') return;
  throw invalid(`${from} holds a key of the kind ${asymmetricKeyType}, not ed25519`);
}

/** What the parser throws may show a part of the text. */
function read(parse: () => KeyObject, otherwise: string): KeyObject {
  try {
    return parse();
  } catch {
    throw invalid(otherwise);
  }
}

function invalid(message: string): Failure {
  return new Failure('config-invalid', message);
}
