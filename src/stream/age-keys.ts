/**
 * X25519 keys in the notation of age: recipients are public (`age1...`), identities are secret
 * (`AGE-SECRET-KEY-1...`).
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { Failure } from '../core/errors.ts';
import { decodeBech32, encodeBech32 } from './bech32.ts';

const recipientPrefix = 'age';
const identityPrefix = 'age-secret-key-';
export const keyBytes = 32;

// RFC 8410: the wrapping that node:crypto wants around 32 raw bytes.
const publicHead = Buffer.from('302a300506032b656e032100', 'hex');
const privateHead = Buffer.from('302e020100300506032b656e04220420', 'hex');

export interface Identity {
  readonly key: KeyObject;
  /** Raw, 32 bytes. */
  readonly publicBytes: Uint8Array;
}

/** Throws `config-invalid`; the text is public and may be shown. */
export function parseRecipient(text: string): Uint8Array {
  const bytes = decodeBech32(recipientPrefix, text);
  if (bytes?.length === keyBytes) return bytes;
  throw new Failure('config-invalid', `${text} is no age recipient; they look like age1...`);
}

/** All identities of a file as `age-keygen` writes it. Throws `config-invalid`, without the text. */
export function parseIdentities(text: string, from: string): Identity[] {
  const lines = text.split('\n').map((line) => line.trim());
  const written = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (written.length === 0) throw new Failure('config-invalid', `${from} has no age identity`);
  return written.map((line, at) => {
    const bytes = decodeBech32(identityPrefix, line);
    if (bytes?.length === keyBytes) return identityOf(bytes);
    const what = `identity ${at + 1} in ${from} is no age identity of the kind AGE-SECRET-KEY-1...`;
    throw new Failure('config-invalid', what);
  });
}

export function recipientText(publicBytes: Uint8Array): string {
  return encodeBech32(recipientPrefix, publicBytes);
}

export function publicKeyOf(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([publicHead, raw]), format: 'der', type: 'spki' });
}

export function rawPublic(key: KeyObject): Uint8Array {
  return key.export({ format: 'der', type: 'spki' }).subarray(publicHead.length);
}

function identityOf(raw: Uint8Array): Identity {
  const der = Buffer.concat([privateHead, raw]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return { key, publicBytes: rawPublic(createPublicKey(key)) };
}
