/**
 * The two meta pages of a bbolt file: where the tree begins, how large a page is, and how many
 * pages count. The newer one whose checksum holds is in force; one damaged copy is no fault.
 */
import type { DatabaseReader } from './database-reader.ts';
import { fileFault } from './fault.ts';
import { metaFlag } from './page.ts';

export interface Meta {
  readonly pageSize: number;
  readonly rootPage: number;
  /** Undefined when the free list is not stored, as etcd does it. */
  readonly freelistPage: number | undefined;
  /** Pages below this number are the database. */
  readonly pageCount: number;
  readonly txid: bigint;
}

const magic = 0xed0cdaed;
const version = 2;
const metaBytes = 80;
const notStored = 0xffff_ffff_ffff_ffffn;
const smallestPage = 512;
const largestPage = 65_536;
// Where the second meta of a file with the page size 1024 << n begins, n up to 14.
const pageSizeGuesses = 15;
// Page numbers are kept in 32 bits: 16 TiB with the usual page size.
const mostPages = 2 ** 32 - 1;

/** What the first page announces, if its checksum holds; to be confirmed by `chooseMeta`. */
export function announcedMeta(firstPage: Uint8Array): Meta | undefined {
  const meta = decodeMeta(firstPage);
  return typeof meta === 'string' ? undefined : meta;
}

/** The meta in force. Throws when neither is sound, or when it reaches beyond the file. */
export function chooseMeta(reader: DatabaseReader): Meta {
  const first = readMeta(reader, 0);
  const second =
    typeof first === 'string' ? searchSecond(reader) : readMeta(reader, first.pageSize);
  if (typeof first === 'string') {
    if (typeof second !== 'string') return checkRange(second, reader.sizeBytes);
    throw fileFault(`neither meta page is sound: page 0 ${first}, page 1 ${second}`);
  }
  if (typeof second === 'string') return checkRange(first, reader.sizeBytes);
  if (second.pageSize !== first.pageSize) {
    throw fileFault(
      `the meta pages disagree: page size ${first.pageSize} on page 0, ` +
        `${second.pageSize} on page 1`,
    );
  }
  return checkRange(second.txid > first.txid ? second : first, reader.sizeBytes);
}

function searchSecond(reader: DatabaseReader): Meta | string {
  let reason = 'was not found';
  for (let guess = 0; guess < pageSizeGuesses; guess++) {
    const pageSize = 1024 * 2 ** guess;
    const found = readMeta(reader, pageSize);
    if (typeof found !== 'string' && found.pageSize === pageSize) return found;
    if (typeof found === 'string' && pageSize === 4096) reason = found;
  }
  return reason;
}

function readMeta(reader: DatabaseReader, position: number): Meta | string {
  if (position + metaBytes > reader.sizeBytes) return 'lies beyond the end of the file';
  return decodeMeta(reader.bytes(position, metaBytes));
}

/** The meta, or what is wrong with it. */
function decodeMeta(page: Uint8Array): Meta | string {
  if (page.length < metaBytes) return 'is cut off';
  const view = new DataView(page.buffer, page.byteOffset, metaBytes);
  if (view.getUint32(16, true) !== magic) return 'has no bbolt magic number';
  if (view.getUint32(20, true) !== version) {
    return `has format version ${view.getUint32(20, true)}`;
  }
  if (view.getBigUint64(72, true) !== fnv1a64(page.subarray(16, 72))) {
    return 'has a wrong checksum';
  }
  const pageSize = view.getUint32(24, true);
  if (pageSize < smallestPage || pageSize > largestPage || (pageSize & (pageSize - 1)) !== 0) {
    return `has page size ${pageSize}`;
  }
  const freelist = view.getBigUint64(48, true);
  return {
    pageSize,
    rootPage: Number(view.getBigUint64(32, true)),
    freelistPage: freelist === notStored ? undefined : Number(freelist),
    pageCount: Number(view.getBigUint64(56, true)),
    txid: view.getBigUint64(64, true),
  };
}

/** The whole meta page; what lies behind the meta is zero. */
export function encodeMeta(meta: Meta, page: number): Buffer {
  const image = Buffer.alloc(meta.pageSize);
  image.writeBigUInt64LE(BigInt(page), 0);
  image.writeUInt16LE(metaFlag, 8);
  image.writeUInt32LE(magic, 16);
  image.writeUInt32LE(version, 20);
  image.writeUInt32LE(meta.pageSize, 24);
  image.writeBigUInt64LE(BigInt(meta.rootPage), 32);
  const freelist = meta.freelistPage === undefined ? notStored : BigInt(meta.freelistPage);
  image.writeBigUInt64LE(freelist, 48);
  image.writeBigUInt64LE(BigInt(meta.pageCount), 56);
  image.writeBigUInt64LE(meta.txid, 64);
  image.writeBigUInt64LE(fnv1a64(image.subarray(16, 72)), 72);
  return image;
}

/** What the checksum cannot promise: that the file is as long as its meta says. */
function checkRange(meta: Meta, sizeBytes: number): Meta {
  const { pageCount, pageSize, rootPage } = meta;
  // Compared as pages, so that no product can leave the safe integers.
  if (pageCount > sizeBytes / pageSize) {
    const context = { pageCount, pageSize, sizeBytes };
    throw fileFault(
      `the file is cut: its meta counts ${pageCount} pages of ${pageSize} bytes, ` +
        `it has ${sizeBytes} bytes`,
      context,
    );
  }
  if (pageCount > mostPages) throw fileFault(`the database has ${pageCount} pages`, { pageCount });
  if (rootPage < 2 || rootPage >= pageCount) {
    throw fileFault(`the root page ${rootPage} is not among the ${pageCount} pages`, { rootPage });
  }
  return meta;
}

function fnv1a64(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash;
}
