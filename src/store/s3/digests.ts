/**
 * SHA-256 as S3 carries it: the digest of an object sent at once, and for one sent in parts the
 * digest of the digests of its parts. Both cover every byte, and both are computed by the server
 * from what it received.
 */
import { createHash } from 'node:crypto';

export interface Digest {
  readonly hex: string;
  readonly base64: string;
}

export function digestOf(bytes: Uint8Array): Digest {
  const digest = createHash('sha256').update(bytes).digest();
  return { hex: digest.toString('hex'), base64: digest.toString('base64') };
}

/** What the server must answer when it completes an upload of these parts. */
export function compositeOf(parts: readonly Digest[]): string {
  const hash = createHash('sha256');
  for (const { hex } of parts) hash.update(Buffer.from(hex, 'hex'));
  return `${hash.digest('base64')}-${parts.length}`;
}

/** Some servers leave out the number of parts, which is no part of the digest. */
export function isComposite(answer: string | undefined, expected: string): boolean {
  return answer === expected || answer === expected.slice(0, expected.lastIndexOf('-'));
}
