/**
 * What a server is told of the bytes that it is sent, to hold against what it receives, and what it
 * must then answer of the whole object. Either way covers every byte. S3 carries sums as base64.
 */
import { createHash } from 'node:crypto';
import { Crc32cJoin, crc32c } from '../../format/crc32c.ts';
import type { S3StoreOptions } from './options.ts';

/** Told by us of bytes, or by an answer of an object. */
export interface Told {
  readonly ChecksumSHA256?: string | undefined;
  readonly ChecksumCRC32C?: string | undefined;
}

/** Of the bytes of one request. */
export interface Sum {
  /** Empty where no sum is asked for. */
  readonly told: Told;
  /** Stands where a request is signed with the SHA-256 of its bytes. */
  readonly payload: string;
  readonly digest: Buffer;
  readonly sizeBytes: number;
}

export interface Checksums {
  /** With every request that brings bytes: some servers pass over a sum without it. */
  readonly algorithm: { readonly ChecksumAlgorithm?: 'SHA256' | 'CRC32C' };
  /** Beside the algorithm, where an upload in parts is begun. */
  readonly type: { readonly ChecksumType?: 'FULL_OBJECT' };
  readonly sumOf: (bytes: Uint8Array) => Sum;
  /** Whether an answer is about the object that was sent in these parts. */
  readonly covers: (parts: readonly Sum[], answer: Told) => boolean;
}

/** No sum is asked for, but the signed digest is one: most servers hold what arrives against it. */
const signature: Checksums = {
  algorithm: {},
  type: {},
  sumOf: (bytes) => {
    const digest = createHash('sha256').update(bytes).digest();
    const sizeBytes = bytes.byteLength;
    return { told: {}, payload: digest.toString('hex'), digest, sizeBytes };
  },
  covers: () => false,
};

/** An object in parts has the digest of their digests. */
const sha256: Checksums = {
  algorithm: { ChecksumAlgorithm: 'SHA256' },
  type: {},
  sumOf: (bytes) => {
    const sum = signature.sumOf(bytes);
    return { ...sum, told: { ChecksumSHA256: sum.digest.toString('base64') } };
  },
  covers: (parts, { ChecksumSHA256 }) =>
    isComposite(ChecksumSHA256, createHash('sha256').update(digestsOf(parts)).digest(), parts),
};

/** The sums of parts join to that of the object, whatever its parts were. */
const crc32cAlone: Checksums = {
  algorithm: { ChecksumAlgorithm: 'CRC32C' },
  type: { ChecksumType: 'FULL_OBJECT' },
  sumOf: (bytes) => {
    const digest = asBytes(crc32c(bytes));
    const told = { ChecksumCRC32C: digest.toString('base64') };
    return { told, payload: 'UNSIGNED-PAYLOAD', digest, sizeBytes: bytes.byteLength };
  },
  // A server that knows no sums of whole objects keeps one of the parts' sums.
  covers: (parts, { ChecksumCRC32C }) =>
    ChecksumCRC32C === joined(parts).toString('base64') ||
    isComposite(ChecksumCRC32C, asBytes(crc32c(digestsOf(parts))), parts),
};

const crc32cAndSignature: Checksums = {
  ...crc32cAlone,
  sumOf: (bytes) => ({ ...crc32cAlone.sumOf(bytes), payload: signature.sumOf(bytes).payload }),
};

/** For what is sent in one request. */
export function checksumsOfWhole({ checksums }: Pick<S3StoreOptions, 'checksums'>): Checksums {
  return checksums === 'none' ? signature : sha256;
}

/** For what is sent in parts, as far as it is known before the server has answered. */
export function checksumsOfParts(options: Pick<S3StoreOptions, 'checksums'>): Checksums {
  return options.checksums === 'auto' ? crc32cAndSignature : checksumsOfWhole(options);
}

/**
 * A server that answers the begin of an upload with the algorithm compares each part: then nobody
 * needs a second digest of the same bytes.
 */
export function onceBegun(
  asked: Checksums,
  { ChecksumAlgorithm }: { readonly ChecksumAlgorithm?: string | undefined },
): Checksums {
  return asked === crc32cAndSignature && ChecksumAlgorithm === 'CRC32C' ? crc32cAlone : asked;
}

function joined(parts: readonly Sum[]): Buffer {
  const join = new Crc32cJoin();
  const whole = parts.reduce(
    (sum, { digest, sizeBytes }) => join.join(sum, digest.readUInt32BE(), sizeBytes),
    0,
  );
  return asBytes(whole);
}

/** Some servers leave out the number of parts, which is no part of the digest. */
function isComposite(told: string | undefined, digest: Buffer, parts: readonly Sum[]): boolean {
  const base64 = digest.toString('base64');
  return told === base64 || told === `${base64}-${parts.length}`;
}

function digestsOf(parts: readonly Sum[]): Buffer {
  return Buffer.concat(parts.map(({ digest }) => digest));
}

function asBytes(crc: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes;
}
