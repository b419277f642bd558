/** One mvccpb.KeyValue, read where it lies: the value itself is never needed, only its place. */
import type { DatabaseReader } from './database-reader.ts';
import { type KeyFingerprint, longKeyBytes } from './key-fingerprint.ts';
import { decodeVarint } from './protobuf.ts';

// etcd writes six; a message of very many small fields is damage, and slow to read.
const maxFields = 64;
// A tag and a length or number.
const fieldHeadBytes = 20;
const keyField = 1;
const modRevisionField = 3;
const pieceBytes = 65_536;

export interface KeyValuePlace {
  readonly keyStart: number;
  readonly keyBytes: number;
  readonly modRevision: bigint;
}

/** Undefined when the bytes are no such message. */
export function locateKeyValue(
  reader: DatabaseReader,
  start: number,
  bytes: number,
): KeyValuePlace | undefined {
  const end = start + bytes;
  let place: KeyValuePlace = { keyStart: start, keyBytes: 0, modRevision: 0n };
  let at = start;
  for (let fields = 0; at < end; fields++) {
    const field = fields < maxFields ? readHead(reader, at, end) : undefined;
    if (field === undefined || field.endsAt > end) return undefined;
    if (field.number === keyField) {
      if (field.wireType !== 2) return undefined;
      place = { ...place, keyStart: field.bodyStart, keyBytes: field.endsAt - field.bodyStart };
    }
    if (field.number === modRevisionField) {
      if (field.wireType !== 0) return undefined;
      place = { ...place, modRevision: field.value };
    }
    at = field.endsAt;
  }
  return place;
}

/** One field's head; undefined when it is damaged. Its end may lie anywhere. */
export function readHead(reader: DatabaseReader, at: number, end: number) {
  const head = reader.bytes(at, Math.min(fieldHeadBytes, end - at));
  const tag = decodeVarint(head, 0);
  if (tag === undefined || tag.value > 0xffff_ffffn) return undefined;
  const number = Number(tag.value >> 3n);
  const wireType = Number(tag.value & 7n);
  const bodyStart = at + tag.endsAt;
  if (number === 0) return undefined;
  if (wireType === 1) return { number, wireType, value: 0n, bodyStart, endsAt: bodyStart + 8 };
  if (wireType === 5) return { number, wireType, value: 0n, bodyStart, endsAt: bodyStart + 4 };
  const varint = decodeVarint(head, tag.endsAt);
  if (varint === undefined || (wireType !== 0 && wireType !== 2)) return undefined;
  const { value } = varint;
  if (wireType === 0) return { number, wireType, value, bodyStart, endsAt: at + varint.endsAt };
  const bytesStart = at + varint.endsAt;
  return { number, wireType, value, bodyStart: bytesStart, endsAt: bytesStart + Number(value) };
}

/** The fingerprint of the user key, as the scan would have taken it. */
export function fingerprintKey(
  reader: DatabaseReader,
  place: KeyValuePlace,
  fingerprint: KeyFingerprint,
): void {
  const { keyStart, keyBytes } = place;
  if (keyBytes > longKeyBytes) {
    fingerprint.takeLong(piecesOf(reader, keyStart, keyBytes));
    return;
  }
  const bytes = keyBytes === 0 ? new Uint8Array(0) : reader.bytes(keyStart, keyBytes);
  fingerprint.take(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, keyBytes);
}

function* piecesOf(reader: DatabaseReader, start: number, bytes: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes; at += pieceBytes) {
    yield reader.bytes(start + at, Math.min(pieceBytes, bytes - at));
  }
}
