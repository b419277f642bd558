/** The pages of a bbolt file as bytes, each exactly as it is asked for. */

export interface PageEntry {
  readonly key: Buffer;
  readonly value: Buffer;
  /** 1 for a bucket. */
  readonly flags?: number;
}

const notStored = 0xffff_ffff_ffff_ffffn;

export function leafBytes(entries: readonly PageEntry[]): number {
  return entries.reduce((sum, entry) => sum + 16 + entry.key.length + entry.value.length, 16);
}

export function leafPage(page: number, entries: readonly PageEntry[], overflow: number): Buffer {
  const bytes = Buffer.alloc(leafBytes(entries));
  writeHeader(bytes, { page, flags: 2, count: entries.length, overflow });
  let data = 16 + entries.length * 16;
  for (const [index, entry] of entries.entries()) {
    const element = 16 + index * 16;
    bytes.writeUInt32LE(entry.flags ?? 0, element);
    bytes.writeUInt32LE(data - element, element + 4);
    bytes.writeUInt32LE(entry.key.length, element + 8);
    bytes.writeUInt32LE(entry.value.length, element + 12);
    entry.key.copy(bytes, data);
    entry.value.copy(bytes, data + entry.key.length);
    data += entry.key.length + entry.value.length;
  }
  return bytes;
}

export function branchPage(
  page: number,
  children: readonly { readonly key: Buffer; readonly page: number }[],
  overflow: number,
): Buffer {
  const dataBytes = children.reduce((sum, child) => sum + child.key.length, 0);
  const bytes = Buffer.alloc(16 + children.length * 16 + dataBytes);
  writeHeader(bytes, { page, flags: 1, count: children.length, overflow });
  let data = 16 + children.length * 16;
  for (const [index, child] of children.entries()) {
    const element = 16 + index * 16;
    bytes.writeUInt32LE(data - element, element);
    bytes.writeUInt32LE(child.key.length, element + 4);
    bytes.writeBigUInt64LE(BigInt(child.page), element + 8);
    child.key.copy(bytes, data);
    data += child.key.length;
  }
  return bytes;
}

export function freelistPage(page: number, ids: readonly number[]): Buffer {
  const bytes = Buffer.alloc(16 + ids.length * 8);
  writeHeader(bytes, { page, flags: 0x10, count: ids.length, overflow: 0 });
  for (const [index, id] of ids.entries()) bytes.writeBigUInt64LE(BigInt(id), 16 + index * 8);
  return bytes;
}

export function writeHeader(
  bytes: Buffer,
  header: {
    readonly page: number;
    readonly flags: number;
    readonly count: number;
    readonly overflow: number;
  },
): void {
  bytes.writeBigUInt64LE(BigInt(header.page), 0);
  bytes.writeUInt16LE(header.flags, 8);
  bytes.writeUInt16LE(header.count, 10);
  bytes.writeUInt32LE(header.overflow, 12);
}

export function metaPage(meta: {
  readonly id: number;
  readonly pageSize: number;
  readonly rootPage: number;
  readonly freelistPage: number | undefined;
  readonly pageCount: number | bigint;
  readonly txid: bigint;
}): Buffer {
  const bytes = Buffer.alloc(80);
  writeHeader(bytes, { page: meta.id, flags: 4, count: 0, overflow: 0 });
  bytes.writeUInt32LE(0xed0cdaed, 16);
  bytes.writeUInt32LE(2, 20);
  bytes.writeUInt32LE(meta.pageSize, 24);
  bytes.writeBigUInt64LE(BigInt(meta.rootPage), 32);
  const freelist = meta.freelistPage === undefined ? notStored : BigInt(meta.freelistPage);
  bytes.writeBigUInt64LE(freelist, 48);
  bytes.writeBigUInt64LE(BigInt(meta.pageCount), 56);
  bytes.writeBigUInt64LE(meta.txid, 64);
  sealMeta(bytes);
  return bytes;
}

/** Makes the checksum of a changed meta right again. */
export function sealMeta(page: Buffer): void {
  let hash = 0xcbf29ce484222325n;
  for (const byte of page.subarray(16, 72)) {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & notStored;
  }
  page.writeBigUInt64LE(hash, 72);
}
