/**
 * From the bytes of a gRPC stream to snapshot messages, without copying a blob: each is handed on
 * as views of the chunks that it arrived in.
 */
import { Failure } from '../../core/errors.ts';
import { decodeFields, decodeVarint } from '../../format/protobuf.ts';
import type { SnapshotMessage } from '../port.ts';

/** gRPC's frame: one byte that tells of compression, four with the length. */
const prefixBytes = 5;
/** etcd sends blobs of 32 KiB; far more is not a snapshot, and must not fill the memory. */
const messageLimitBytes = 4 * 1024 * 1024;
/** remaining_bytes and the head of the blob, at their longest. */
const headBytes = 24;

export class SnapshotParser {
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  /** Whether a message has begun that is not whole yet. */
  get unfinished(): boolean {
    return this.#bytes > 0;
  }

  push(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
  }

  /** The next whole message, if there is one. Throws `stream-broken` on what is no such message. */
  next(): SnapshotMessage | undefined {
    if (this.#bytes < prefixBytes) return undefined;
    const prefix = this.#peek(prefixBytes);
    if (prefix[0] !== 0) throw broken('a message is compressed, which was not asked for');
    const length = new DataView(prefix.buffer, prefix.byteOffset).getUint32(1);
    if (length > messageLimitBytes) throw broken(`a message claims ${length} bytes`);
    if (this.#bytes < prefixBytes + length) return undefined;
    this.#take(prefixBytes);
    return parseMessage(this.#take(length), length);
  }

  #peek(count: number): Uint8Array {
    const first = this.#chunks[0] as Uint8Array;
    if (first.byteLength >= count) return first;
    return Buffer.concat(this.#chunks.slice(0, count)).subarray(0, count);
  }

  #take(count: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    let left = count;
    let used = 0;
    while (left > 0) {
      const chunk = this.#chunks[used] as Uint8Array;
      if (chunk.byteLength > left) {
        taken.push(chunk.subarray(0, left));
        this.#chunks[used] = chunk.subarray(left);
        left = 0;
      } else {
        taken.push(chunk);
        left -= chunk.byteLength;
        used += 1;
      }
    }
    if (used > 0) this.#chunks.splice(0, used);
    this.#bytes -= count;
    return taken;
  }
}

/** Fields come in their order: header 1, remaining_bytes 2, blob 3, version 4. */
function parseMessage(pieces: readonly Uint8Array[], length: number): SnapshotMessage {
  const head = headOf(pieces);
  let at = 0;
  let remainingBytes = 0;
  if (head[at] === 0x10) {
    const remaining = decodeVarint(head, at + 1);
    if (remaining === undefined) throw broken('a message has no readable size');
    remainingBytes = Number(remaining.value);
    at = remaining.endsAt;
  }
  if (head[at] !== 0x1a) return parseWhole(pieces);
  const blob = decodeVarint(head, at + 1);
  if (blob === undefined || Number(blob.value) > length - blob.endsAt) {
    throw broken('a blob is longer than its message');
  }
  const blobBytes = Number(blob.value);
  const blobEnd = blob.endsAt + blobBytes;
  const tail = blobEnd === length ? undefined : Buffer.concat(cut(pieces, blobEnd, length));
  const version = tail === undefined ? undefined : versionOf(tail);
  return { remainingBytes, blob: cut(pieces, blob.endsAt, blobEnd), blobBytes, version };
}

function headOf(pieces: readonly Uint8Array[]): Uint8Array {
  const first = pieces[0] ?? new Uint8Array();
  if (first.byteLength >= headBytes || pieces.length < 2) return first;
  return Buffer.concat(pieces.slice(0, headBytes)).subarray(0, headBytes);
}

/** For a message that has a header or no blob: rare and small. */
function parseWhole(pieces: readonly Uint8Array[]): SnapshotMessage {
  const fields = decodeFields(Buffer.concat(pieces));
  if (fields === undefined) throw broken('a message cannot be read');
  const field = (number: number) => fields.findLast((each) => each.number === number);
  const blob = field(3)?.bytes;
  const version = field(4)?.bytes;
  return {
    remainingBytes: Number(field(2)?.value ?? 0n),
    blob: blob === undefined ? [] : [blob],
    blobBytes: blob?.byteLength ?? 0,
    version: version === undefined ? undefined : Buffer.from(version).toString('utf8'),
  };
}

function versionOf(tail: Uint8Array): string | undefined {
  const fields = decodeFields(tail);
  if (fields === undefined) throw broken('the end of a message cannot be read');
  const version = fields.find((each) => each.number === 4);
  return version && Buffer.from(version.bytes).toString('utf8');
}

function cut(pieces: readonly Uint8Array[], start: number, end: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = 0;
  for (const piece of pieces) {
    const from = Math.max(start - at, 0);
    const to = Math.min(end - at, piece.byteLength);
    if (from < to) found.push(piece.subarray(from, to));
    at += piece.byteLength;
  }
  return found;
}

function broken(reason: string): Failure {
  return new Failure('stream-broken', `the snapshot stream cannot be read: ${reason}`);
}
