/** The little of protobuf that is written: requests to etcd, and records of a write-ahead log. */

/** A varint field. Signed values are written as etcd does it, in ten bytes when negative. */
export function varintField(number: number, value: bigint): Uint8Array {
  return Buffer.from([...varint(BigInt(number << 3)), ...varint(BigInt.asUintN(64, value))]);
}

export function bytesField(number: number, bytes: Uint8Array): Uint8Array {
  const head = [...varint(BigInt((number << 3) | 2)), ...varint(BigInt(bytes.byteLength))];
  return Buffer.concat([Buffer.from(head), bytes]);
}

export function textField(number: number, text: string): Uint8Array {
  return bytesField(number, Buffer.from(text, 'utf8'));
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let left = value;
  for (; left > 0x7fn; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80);
  bytes.push(Number(left));
  return bytes;
}
