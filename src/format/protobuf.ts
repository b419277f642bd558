/**
 * The little of protobuf that etcd's rows need. Every length is checked against what is there;
 * undefined means that the bytes are no such message.
 */

export interface ProtobufField {
  readonly number: number;
  /** Unsigned 64-bit, for wire types 0 (varint) and 1 (fixed). */
  readonly value: bigint;
  /** For wire type 2; empty otherwise. */
  readonly bytes: Uint8Array;
}

const maxVarintBytes = 10;
const empty = new Uint8Array(0);

/** All fields in their order, or undefined when the bytes are damaged. */
export function decodeFields(message: Uint8Array): ProtobufField[] | undefined {
  const fields: ProtobufField[] = [];
  let at = 0;
  while (at < message.length) {
    const tag = decodeVarint(message, at);
    if (tag === undefined || tag.value > 0xffffffffn) return undefined;
    const number = Number(tag.value >> 3n);
    const body = decodeBody(message, tag.endsAt, Number(tag.value & 7n));
    if (number === 0 || body === undefined) return undefined;
    fields.push({ number, value: body.value, bytes: body.bytes });
    at = body.endsAt;
  }
  return fields;
}

function decodeBody(
  message: Uint8Array,
  at: number,
  wireType: number,
): { value: bigint; bytes: Uint8Array; endsAt: number } | undefined {
  if (wireType === 0) {
    const varint = decodeVarint(message, at);
    return varint && { ...varint, bytes: empty };
  }
  if (wireType === 1) return decodeFixed(message, at, 8);
  if (wireType === 5) return decodeFixed(message, at, 4);
  if (wireType !== 2) return undefined;
  const length = decodeVarint(message, at);
  if (length === undefined || length.value > BigInt(message.length - length.endsAt)) {
    return undefined;
  }
  const endsAt = length.endsAt + Number(length.value);
  return { value: 0n, bytes: message.subarray(length.endsAt, endsAt), endsAt };
}

function decodeFixed(message: Uint8Array, at: number, size: number) {
  if (at + size > message.length) return undefined;
  let value = 0n;
  for (let byte = size - 1; byte >= 0; byte--) {
    value = (value << 8n) | BigInt(message[at + byte] as number);
  }
  return { value, bytes: empty, endsAt: at + size };
}

/** An unsigned 64-bit varint; ten bytes at most. */
export function decodeVarint(
  bytes: Uint8Array,
  start: number,
): { value: bigint; endsAt: number } | undefined {
  let value = 0n;
  for (let at = start; at < bytes.length && at < start + maxVarintBytes; at++) {
    const byte = bytes[at] as number;
    value |= BigInt(byte & 0x7f) << BigInt(7 * (at - start));
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), endsAt: at + 1 };
  }
  return undefined;
}
