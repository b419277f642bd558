/** Protobuf messages and gRPC frames, written the other way round from how the program reads them. */

export type FieldValue = string | Uint8Array | bigint;

/** Every field is written, also an empty or zero one; negative numbers as int64 does. */
export function message(...fields: readonly (readonly [number, FieldValue])[]): Buffer {
  return Buffer.concat(fields.map(([number, value]) => field(number, value)));
}

function field(number: number, value: FieldValue): Buffer {
  if (typeof value === 'bigint') return Buffer.concat([varint(BigInt(number << 3)), varint(value)]);
  const bytes = Buffer.from(value as string);
  return Buffer.concat([varint(BigInt((number << 3) | 2)), varint(BigInt(bytes.length)), bytes]);
}

export function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, value);
  while (left >= 0x80n) {
    bytes.push(Number(left % 0x80n) + 0x80);
    left /= 0x80n;
  }
  return Buffer.from([...bytes, Number(left)]);
}

/** `claim` is the length that the frame speaks of, where it is not the true one. */
export function frame(body: Uint8Array, { claim = body.byteLength, compressed = 0 } = {}): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(compressed, 0);
  prefix.writeUInt32BE(claim, 1);
  return Buffer.concat([prefix, body]);
}

/** One message of a snapshot stream as etcd writes it: zero and empty fields are left out. */
export function snapshotBody(sent: {
  readonly remainingBytes?: number;
  readonly blob?: Uint8Array;
  readonly version?: string;
}): Buffer {
  const { remainingBytes = 0, blob = new Uint8Array(), version = '' } = sent;
  return Buffer.concat([
    ...(remainingBytes === 0 ? [] : [message([2, BigInt(remainingBytes)])]),
    ...(blob.byteLength === 0 ? [] : [message([3, blob])]),
    ...(version === '' ? [] : [message([4, version])]),
  ]);
}
