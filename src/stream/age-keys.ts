/** X25519 keys of age as node:crypto wants them. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { identityBytes, identityLines, recipientBytes } from '../core/age-text.ts';
import { Failure } from '../core/errors.ts';

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
  const bytes = recipientBytes(text);
  if (bytes !== undefined) return bytes;
  throw new Failure('config-invalid', `${text} is no age recipient; they look like age1...`);
}

/** All keys of a file as `age-keygen` writes it. Throws `config-invalid`, without the text. */
export function parseIdentities(text: string, from: string): Identity[] {
  const lines = identityLines(text);
  if (lines.length === 0) throw new Failure('config-invalid', `${from} has no age identity`);
  return lines.map((line, at) => {
    const bytes = identityBytes(line);
    if (bytes !== undefined) return identityOf(bytes);
    const what = `key ${at + 1} in ${from} is no age identity (AGE-SECRET-KEY-1...)`;
    throw new Failure('config-invalid', what);
  });
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
