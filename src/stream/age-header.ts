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
const damagedHead = 'its head is damaged';

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
  const beginning = `${intro}\n`;
  if (!beginning.startsWith(text.slice(0, beginning.length))) throw new Error('it is no age file');
  const end = /\n---[^\n]*\n/.exec(text);
  if (end === null) return undefined;
  const stanzas = readStanzas(text.slice(beginning.length, end.index).split('\n'));
  const mac = decode(/^\n--- (\S+)\n$/.exec(end[0])?.[1] ?? '');
  const fileKey = unwrapAny(stanzas, identities);
  const headBytes = end.index + end[0].length;
  if (fileKey === undefined) return { fileKey, headBytes };
  const right = macOf(fileKey, text.slice(0, end.index + '\n---'.length));
  if (mac?.length !== right.length || !timingSafeEqual(mac, right)) {
    throw new Error('its head was changed');
  }
  return { fileKey, headBytes };
}

interface Stanza {
  readonly kind: string;
  readonly args: readonly string[];
  readonly body: Buffer;
}

/** To the letter: what could be read in two ways is refused, as the official programs do. */
function readStanzas(lines: readonly string[]): readonly Stanza[] {
  const stanzas: Stanza[] = [];
  for (let at = 0; at < lines.length; ) {
    const [, words] = /^-> ([!-~]+(?: [!-~]+)*)$/.exec(lines[at] ?? '') ?? [];
    const [kind, ...args] = words?.split(' ') ?? [];
    const from = at + 1;
    at = from;
    while (lines[at]?.length === bodyLine) at += 1;
    const body = decode(lines.slice(from, at + 1).join(''));
    const isWhole = at < lines.length && (lines[at]?.length ?? 0) < bodyLine;
    if (kind === undefined || body === undefined || !isWhole) throw new Error(damagedHead);
    stanzas.push({ kind, args, body });
    at += 1;
  }
  const mixes = stanzas.length > 1 && stanzas.some(({ kind }) => kind === 'scrypt');
  if (stanzas.length === 0 || mixes) throw new Error(damagedHead);
  return stanzas;
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

function unwrapAny(
  stanzas: readonly Stanza[],
  identities: readonly Identity[],
): Uint8Array | undefined {
  for (const { args, body } of stanzas.filter(({ kind }) => kind === 'X25519')) {
    const share = decode(args[0] ?? '');
    const isWhole = args.length === 1 && body.length === fileKeyBytes + tagBytes;
    if (!isWhole || share?.length !== keyBytes) throw new Error(damagedHead);
    for (const identity of identities) {
      const fileKey = unwrap(share, body, identity);
      if (fileKey !== undefined) return fileKey;
    }
  }
  return undefined;
}

function unwrap(share: Buffer, body: Buffer, identity: Identity): Uint8Array | undefined {
  const key = wrapKey(sharedWith(share, identity), share, identity.publicBytes);
  const options = { authTagLength: tagBytes } as const;
  const decipher = createDecipheriv('chacha20-poly1305', key, zeroNonce, options);
  decipher.setAuthTag(body.subarray(fileKeyBytes));
  const fileKey = decipher.update(body.subarray(0, fileKeyBytes));
  try {
    decipher.final();
    return fileKey;
  } catch {
    // Wrapped for somebody else: the tag tells, and nothing else does.
    return undefined;
  }
}

/** A share of low order would give a secret that everybody knows; node:crypto refuses it. */
function sharedWith(share: Buffer, identity: Identity): Uint8Array {
  try {
    return diffieHellman({ privateKey: identity.key, publicKey: publicKeyOf(share) });
  } catch {
    throw new Error(damagedHead);
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
