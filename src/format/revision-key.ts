/**
 * The keys of the bucket `key`: main as 8 big-endian bytes, `_`, sub as 8 big-endian bytes, and a
 * `t` behind it when the row is a tombstone. One change of a transaction is one sub.
 */

export const revisionBytes = 17;
export const tombstoneBytes = 18;
export const separatorByte = 0x5f;
export const tombstoneByte = 0x74;

export interface RevisionKey {
  readonly main: bigint;
  readonly sub: bigint;
  readonly tombstone: boolean;
}

/** Undefined when the bytes are no revision of etcd (both parts are int64 and never negative). */
export function decodeRevisionKey(key: Uint8Array): RevisionKey | undefined {
  if (key.length !== revisionBytes && key.length !== tombstoneBytes) return undefined;
  if (key[8] !== separatorByte) return undefined;
  const tombstone = key.length === tombstoneBytes;
  if (tombstone && key[17] !== tombstoneByte) return undefined;
  const view = new DataView(key.buffer, key.byteOffset, key.length);
  const main = view.getBigInt64(0);
  const sub = view.getBigInt64(9);
  return main < 0n || sub < 0n ? undefined : { main, sub, tombstone };
}

/** The key of a row that is no tombstone. */
export function encodeRevisionKey(main: bigint, sub: bigint): Uint8Array {
  const key = Buffer.alloc(revisionBytes);
  key.writeBigInt64BE(main, 0);
  key[8] = separatorByte;
  key.writeBigInt64BE(sub, 9);
  return key;
}
