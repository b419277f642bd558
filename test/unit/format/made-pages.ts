/** The pages of a bbolt file, each as bbolt writes it. */

export interface MadePair {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface Node {
  readonly firstKey: Uint8Array;
  readonly page: number;
}

export const elementBytes = 16;
export const headerBytes = 16;
const notStored = 0xffff_ffff_ffff_ffffn;

/** Writes the checksum of a meta page anew, after a change of its fields. */
export function sealMeta(bytes: Uint8Array, start: number): void {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes.subarray(start + 16, start + 72)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  viewOf(bytes).setBigUint64(start + 72, hash, true);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function leafImage(entries: readonly (MadePair & { readonly flags: number })[]): Uint8Array {
  const dataBytes = entries.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  const image = new Uint8Array(headerBytes + entries.length * elementBytes + dataBytes);
  const view = viewOf(image);
  view.setUint16(8, 2, true);
  view.setUint16(10, entries.length, true);
  let at = headerBytes + entries.length * elementBytes;
  for (const [index, { key, value, flags }] of entries.entries()) {
    const element = headerBytes + index * elementBytes;
    view.setUint32(element, flags, true);
    view.setUint32(element + 4, at - element, true);
    view.setUint32(element + 8, key.length, true);
    view.setUint32(element + 12, value.length, true);
    image.set(key, at);
    image.set(value, at + key.length);
    at += key.length + value.length;
  }
  return image;
}

export function branchImage(children: readonly Node[]): Uint8Array {
  const dataBytes = children.reduce((sum, { firstKey }) => sum + firstKey.length, 0);
  const image = new Uint8Array(headerBytes + children.length * elementBytes + dataBytes);
  const view = viewOf(image);
  view.setUint16(8, 1, true);
  view.setUint16(10, children.length, true);
  let at = headerBytes + children.length * elementBytes;
  for (const [index, { firstKey, page }] of children.entries()) {
    const element = headerBytes + index * elementBytes;
    view.setUint32(element, at - element, true);
    view.setUint32(element + 4, firstKey.length, true);
    view.setBigUint64(element + 8, BigInt(page), true);
    image.set(firstKey, at);
    at += firstKey.length;
  }
  return image;
}

export function bucketHeader(root: number): Uint8Array {
  const header = new Uint8Array(16);
  viewOf(header).setBigUint64(0, BigInt(root), true);
  return header;
}

export function inlineBucket(pairs: readonly MadePair[]): Uint8Array {
  const image = leafImage(pairs.map((pair) => ({ ...pair, flags: 0 })));
  return Buffer.concat([bucketHeader(0), image]);
}

export function writeMeta(
  bytes: Uint8Array,
  start: number,
  meta: {
    readonly page: number;
    readonly pageSize: number;
    readonly rootPage: number;
    readonly freelistPage: number | undefined;
    readonly pageCount: number;
    readonly txid: bigint;
  },
): void {
  const view = viewOf(bytes);
  const { freelistPage } = meta;
  view.setBigUint64(start, BigInt(meta.page), true);
  view.setUint16(start + 8, 4, true);
  view.setUint32(start + 16, 0xed0cdaed, true);
  view.setUint32(start + 20, 2, true);
  view.setUint32(start + 24, meta.pageSize, true);
  view.setBigUint64(start + 32, BigInt(meta.rootPage), true);
  const freelist = freelistPage === undefined ? notStored : BigInt(freelistPage);
  view.setBigUint64(start + 48, freelist, true);
  view.setBigUint64(start + 56, BigInt(meta.pageCount), true);
  view.setBigUint64(start + 64, meta.txid, true);
  sealMeta(bytes, start);
}
