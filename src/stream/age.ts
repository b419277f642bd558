/**
 * Encryption to age recipients and back, as streams: after the head a nonce of 16 bytes, then
 * chunks of 64 KiB, each sealed with ChaCha20-Poly1305 under a counter; the last one is marked, so
 * that a cut is noticed.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { Failure } from '../core/errors.ts';
import { ageHead, fileKeyBytes, readAgeHead } from './age-header.ts';
import type { Identity } from './age-keys.ts';

const chunkBytes = 64 * 1024;
const tagBytes = 16;
const nonceBytes = 16;
/** No head of ours comes near it; a file without an end of its head must not fill the memory. */
const headLimitBytes = 256 * 1024;

type Bytes = AsyncIterable<Uint8Array>;

/** Only the recipients have it, and whoever encrypted; one for each thing that is encrypted. */
export function newFileKey(): Uint8Array {
  return randomBytes(fileKeyBytes);
}

/**
 * A key for what is said elsewhere about the encrypted bytes. Who has the bytes and an identity has
 * it too, and nobody else: age derives its own keys from the file key under other words.
 */
export function macKeyOf(fileKey: Uint8Array): Uint8Array {
  return Buffer.from(hkdfSync('sha256', fileKey, '', 'etcd-backupd manifest', 32));
}

/** Recipients are raw X25519 public keys; any of them can open it. */
export async function* encryptAge(
  plain: Bytes,
  recipients: readonly Uint8Array[],
  fileKey: Uint8Array = newFileKey(),
): AsyncGenerator<Uint8Array, void, undefined> {
  const nonce = randomBytes(nonceBytes);
  yield ageHead(fileKey, recipients);
  yield nonce;
  const key = payloadKey(fileKey, nonce);
  const counter = new ChunkCounter();
  for await (const { bytes, isLast } of inChunks(plain, chunkBytes)) {
    const options = { authTagLength: tagBytes } as const;
    const cipher = createCipheriv('chacha20-poly1305', key, counter.next(isLast), options);
    yield cipher.update(bytes);
    cipher.final();
    yield cipher.getAuthTag();
  }
}

/**
 * The plain bytes. Throws `object-damaged` for bytes that were changed, cut or are no age file, and
 * `backup-locked` when none of the identities can open it. What it gave before it throws was
 * authentic, but is not all. `onFileKey` is called before the first of them, and may throw.
 */
export async function* decryptAge(
  sealed: Bytes,
  identities: readonly Identity[],
  onFileKey: (fileKey: Uint8Array) => void = () => undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = sealed[Symbol.asyncIterator]();
  try {
    const { fileKey, rest } = await readHead(source, identities);
    onFileKey(fileKey);
    const [nonce, first] = await takeExactly(source, rest, nonceBytes);
    const key = payloadKey(fileKey, nonce);
    const counter = new ChunkCounter();
    const payload = inChunks(following(first, source), chunkBytes + tagBytes);
    for await (const { bytes, isLast } of payload) {
      yield open(bytes, key, counter.next(isLast), isLast && !counter.isFirst);
    }
  } finally {
    await source.return?.();
  }
}

function open(bytes: Buffer, key: Uint8Array, nonce: Uint8Array, mustHold: boolean): Uint8Array {
  const end = bytes.length - tagBytes;
  if (end < 0 || (mustHold && end === 0)) throw damaged('it ends in the middle of a chunk');
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: tagBytes });
  decipher.setAuthTag(bytes.subarray(end));
  const plain = decipher.update(bytes.subarray(0, end));
  try {
    decipher.final();
  } catch {
    throw damaged('a chunk was changed, or the end is missing');
  }
  return plain;
}

/** 11 bytes that count, and one that marks the last chunk. */
class ChunkCounter {
  readonly #nonce = Buffer.alloc(12);
  #count = 0;

  get isFirst(): boolean {
    return this.#count === 1;
  }

  next(isLast: boolean): Uint8Array {
    this.#nonce.writeUIntBE(this.#count, 5, 6);
    this.#nonce[11] = isLast ? 1 : 0;
    this.#count += 1;
    return this.#nonce;
  }
}

function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
}

interface Chunk {
  readonly bytes: Buffer;
  readonly isLast: boolean;
}

/** All bytes in chunks of one size; only the last may be shorter, and is empty for no bytes. */
async function* inChunks(source: Bytes, sizeBytes: number): AsyncGenerator<Chunk, void, undefined> {
  const held = Buffer.allocUnsafe(sizeBytes);
  let heldBytes = 0;
  for await (const piece of source) {
    for (let at = 0; at < piece.byteLength; ) {
      // A full one is given only when more has come: until then it may be the last.
      if (heldBytes === sizeBytes) {
        yield { bytes: held, isLast: false };
        heldBytes = 0;
      }
      const taken = Math.min(sizeBytes - heldBytes, piece.byteLength - at);
      held.set(piece.subarray(at, at + taken), heldBytes);
      heldBytes += taken;
      at += taken;
    }
  }
  yield { bytes: held.subarray(0, heldBytes), isLast: true };
}

async function readHead(
  source: AsyncIterator<Uint8Array>,
  identities: readonly Identity[],
): Promise<{ fileKey: Uint8Array; rest: Buffer }> {
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const { done, value } = await source.next();
    if (done) throw damaged('it ends within its head');
    bytes = Buffer.concat([bytes, value]);
    const head = parse(bytes, identities);
    if (head === undefined && bytes.length < headLimitBytes) continue;
    if (head === undefined) throw damaged('its head does not end');
    if (head.fileKey === undefined) {
      throw new Failure('backup-locked', 'no identity that was given can open the encrypted bytes');
    }
    return { fileKey: head.fileKey, rest: bytes.subarray(head.headBytes) };
  }
}

function parse(bytes: Buffer, identities: readonly Identity[]) {
  try {
    return readAgeHead(bytes, identities);
  } catch (error) {
    throw damaged((error as Error).message);
  }
}

async function takeExactly(
  source: AsyncIterator<Uint8Array>,
  begun: Buffer,
  count: number,
): Promise<[Buffer, Buffer]> {
  let bytes = begun;
  while (bytes.length < count) {
    const { done, value } = await source.next();
    if (done) throw damaged('it ends before its content');
    bytes = Buffer.concat([bytes, value]);
  }
  return [Buffer.from(bytes.subarray(0, count)), Buffer.from(bytes.subarray(count))];
}

async function* following(first: Uint8Array, source: AsyncIterator<Uint8Array>): Bytes {
  if (first.byteLength > 0) yield first;
  for (;;) {
    const { done, value } = await source.next();
    if (done) return;
    yield value;
  }
}

function damaged(reason: string): Failure {
  return new Failure('object-damaged', `the encrypted bytes cannot be opened: ${reason}`);
}
