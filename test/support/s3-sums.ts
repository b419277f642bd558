/** Sums of what is sent, as S3 carries them: base64. */
import { createHash } from 'node:crypto';
import { crc32c } from '../../src/format/crc32c.ts';

export type SumOf = (bytes: Uint8Array) => string;

export const sha256: SumOf = (bytes) => createHash('sha256').update(bytes).digest('base64');

export const crc: SumOf = (bytes) => {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32c(bytes));
  return sum.toString('base64');
};

/** What a server keeps of an object in parts where it does not join their sums. */
export function sumOfSums(sum: SumOf, parts: readonly Uint8Array[]): string {
  const sums = parts.map((part) => Buffer.from(sum(part), 'base64'));
  return `${sum(Buffer.concat(sums))}-${parts.length}`;
}
