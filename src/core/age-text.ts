/**
 * The keys of age as text: recipients are public (`age1...`), identities are secret
 * (`AGE-SECRET-KEY-1...`). X25519 only; others are for plugins or for people with passphrases.
 */
import { decodeBech32, encodeBech32 } from './bech32.ts';

const recipientPrefix = 'age';
const identityPrefix = 'age-secret-key-';
export const keyBytes = 32;

/** The raw public key, or undefined for what is none. */
export function recipientBytes(text: string): Uint8Array | undefined {
  return keyIn(recipientPrefix, text);
}

export function recipientText(publicBytes: Uint8Array): string {
  return encodeBech32(recipientPrefix, publicBytes);
}

/** The raw secret key, or undefined for what is none. */
export function identityBytes(text: string): Uint8Array | undefined {
  return keyIn(identityPrefix, text);
}

/** The lines with keys of a file as `age-keygen` writes it. */
export function identityLines(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

function keyIn(prefix: string, text: string): Uint8Array | undefined {
  const bytes = decodeBech32(prefix, text);
  return bytes?.length === keyBytes ? bytes : undefined;
}
