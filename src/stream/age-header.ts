/**
 * The head of an age file (age-encryption.org/v1): the file key, wrapped for each recipient, and a
 * MAC over all of it. Only X25519 recipients are written; other kinds are passed over when read.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  timingSafeEqual,
} from 'node:crypto';
import { keyBytes } from '../core/age-text.ts';
import { type Identity, publicKeyOf, rawPublic } from './age-keys.ts';

const intro = 'age-encryption.org/v1';
const wrapInfo = 'age-encryption.org/v1/X25519';
export const fileKeyBytes = 16;
const tagBytes = 16;
const bodyLine = 64;

export interface ParsedHead {
  /** Undefined: none of the identities is a recipient. */
  readonly fileKey: Uint8Array | undefined;
  readonly headBytes: number;
}

export function ageHead(fileKey: Uint8Array, recipients: readonly Uint8Array[]): Uint8Array {
  const stanzas = recipients.map((recipient) => {
    const { share, body } = wrap(fileKey, recipient);
    return `-> X25519 ${encode(share)}\n${encode(body)}\n`;
  });
  const signed = `${intro}\n${stanzas.join('')}---`;
  return Buffer.from(`${signed} ${encode(macOf(fileKey, signed))}\n`, 'latin1');
}

/**
 * Undefined while the head has not ended in `bytes`. Throws a plain `Error` with the reason for
 * what is no age file, or one that was changed.
 */
export function readAgeHead(
  bytes: Buffer,
  identities: readonly Identity[],
): ParsedHead | undefined {
  const text = bytes.toString('latin1');
  if (!text.startsWith(intro.slice(0, text.length))) throw new Error('it is no age file');
  const end = /\n---[^\n]*\n/.exec(text);
  if (end === null) return undefined;
  const signed = text.slice(0, end.index + '\n---'.length);
  const mac = decode(end[0].slice('\n--- '.length, -1));
  const fileKey = unwrapAny(signed, identities);
  const headBytes = end.index + end[0].length;
  if (fileKey === undefined) return { fileKey, headBytes };
  const right = macOf(fileKey, signed);
  if (mac?.length !== right.length || !timingSafeEqual(mac, right)) {
    throw new Error('its head was changed');
  }
  return { fileKey, headBytes };
}

function wrap(fileKey: Uint8Array, recipient: Uint8Array) {
  const once = generateKeyPairSync('x25519');
  const share = rawPublic(once.publicKey);
  const shared = diffieHellman({
    privateKey: once.privateKey,
    publicKey: publicKeyOf(recipient),
  });
  const key = wrapKey(shared, share, recipient);
  const cipher = createCipheriv('chacha20-poly1305', key, zeroNonce, { authTagLength: tagBytes });
  const sealed = cipher.update(fileKey);
  cipher.final();
  return { share, body: Buffer.concat([sealed, cipher.getAuthTag()]) };
}

function unwrapAny(signed: string, identities: readonly Identity[]): Uint8Array | undefined {
  const stanzas = signed.matchAll(/^-> X25519 (\S+)\n((?:[^\n]{64}\n)*[^\n]{0,63})\n/gm);
  for (const [, argument = '', lines = ''] of stanzas) {
    const share = decode(argument);
    const body = decode(lines.replaceAll('\n', ''));
    const isWhole = share?.length === keyBytes && body?.length === fileKeyBytes + tagBytes;
    if (!isWhole) throw new Error('its head is damaged');
    for (const identity of identities) {
      const fileKey = unwrap(share, body, identity);
      if (fileKey !== undefined) return fileKey;
    }
  }
  return undefined;
}

function unwrap(share: Buffer, body: Buffer, identity: Identity): Uint8Array | undefined {
  try {
    const shared = diffieHellman({ privateKey: identity.key, publicKey: publicKeyOf(share) });
    const key = wrapKey(shared, share, identity.publicBytes);
    const options = { authTagLength: tagBytes } as const;
    const decipher = createDecipheriv('chacha20-poly1305', key, zeroNonce, options);
    decipher.setAuthTag(body.subarray(fileKeyBytes));
    const fileKey = decipher.update(body.subarray(0, fileKeyBytes));
    decipher.final();
    return fileKey;
  } catch {
    // Wrapped for somebody else: the tag tells, and nothing else does.
    return undefined;
  }
}

const zeroNonce = Buffer.alloc(12);

function wrapKey(shared: Uint8Array, share: Uint8Array, recipient: Uint8Array): Buffer {
  const salt = Buffer.concat([share, recipient]);
  return Buffer.from(hkdfSync('sha256', shared, salt, wrapInfo, keyBytes));
}

function macOf(fileKey: Uint8Array, signed: string): Buffer {
  const key = Buffer.from(hkdfSync('sha256', fileKey, '', 'header', 32));
  return createHmac('sha256', key).update(signed, 'latin1').digest();
}

/** Base64 without padding, as age writes it; only one text stands for the same bytes. */
function encode(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('base64').replace(/=+$/, '');
  return text.length % bodyLine === 0 && text.length > 0 ? `${text}\n` : text;
}

function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64').replace(/=+$/, '') === text ? bytes : undefined;
}
