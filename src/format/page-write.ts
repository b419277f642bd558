/** Images of bbolt pages: leaves, branches and the meta page, as bbolt itself lays them out. */

import { encodeMeta, type Meta } from './meta.ts';
import { branchFlag, elementBytes, leafFlag, pageHeaderBytes } from './page.ts';

/** One pair of a leaf; `isBucket` when the value is a bucket. */
export interface LeafPair {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly isBucket?: boolean;
}

export interface BranchChild {
  readonly key: Uint8Array;
  readonly page: number;
}

/** A leaf without room behind it. `page` is 0 for one that lies inside a value. */
export function leafImage(pairs: readonly LeafPair[], page: number, pageSize: number): Buffer {
  const dataStart = pageHeaderBytes + pairs.length * elementBytes;
  const dataBytes = pairs.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  const image = Buffer.alloc(dataStart + dataBytes);
  writeHeader(image, { page, flag: leafFlag, count: pairs.length, pageSize });
  let at = dataStart;
  for (const [index, { key, value, isBucket = false }] of pairs.entries()) {
    const element = pageHeaderBytes + index * elementBytes;
    image.writeUInt32LE(isBucket ? 1 : 0, element);
    image.writeUInt32LE(at - element, element + 4);
    image.writeUInt32LE(key.length, element + 8);
    image.writeUInt32LE(value.length, element + 12);
    image.set(key, at);
    image.set(value, at + key.length);
    at += key.length + value.length;
  }
  return image;
}

export function branchImage(
  children: readonly BranchChild[],
  page: number,
  pageSize: number,
): Buffer {
  const dataStart = pageHeaderBytes + children.length * elementBytes;
  const image = Buffer.alloc(dataStart + children.reduce((sum, { key }) => sum + key.length, 0));
  writeHeader(image, { page, flag: branchFlag, count: children.length, pageSize });
  let at = dataStart;
  for (const [index, child] of children.entries()) {
    const element = pageHeaderBytes + index * elementBytes;
    image.writeUInt32LE(at - element, element);
    image.writeUInt32LE(child.key.length, element + 4);
    image.writeBigUInt64LE(BigInt(child.page), element + 8);
    image.set(child.key, at);
    at += child.key.length;
  }
  return image;
}

/** The meta page of its transaction, and where in the file it lies. */
export function metaImage(meta: Meta): { readonly position: number; readonly bytes: Buffer } {
  const page = Number(meta.txid % 2n);
  return { position: page * meta.pageSize, bytes: encodeMeta(meta, page) };
}

function writeHeader(
  image: Buffer,
  head: { page: number; flag: number; count: number; pageSize: number },
): void {
  image.writeBigUInt64LE(BigInt(head.page), 0);
  image.writeUInt16LE(head.flag, 8);
  image.writeUInt16LE(head.count, 10);
  // A page inside a value has no pages behind it.
  const overflow = head.page === 0 ? 0 : Math.ceil(image.length / head.pageSize) - 1;
  image.writeUInt32LE(overflow, 12);
}
