/** One page of a bbolt tree: its header, checked against its place in the file. */
import type { DatabaseReader } from './database-reader.ts';
import { pageFault } from './fault.ts';

export const pageHeaderBytes = 16;
export const elementBytes = 16;

export const branchFlag = 0x01;
export const leafFlag = 0x02;
export const metaFlag = 0x04;
export const freelistFlag = 0x10;

/** How a database is divided. */
export interface Geometry {
  readonly pageSize: number;
  /** Pages from this number on are not part of the database. */
  readonly pageCount: number;
}

export interface Page {
  /** The number of the page that an inline bucket lies in, for a page inside a value. */
  readonly page: number;
  readonly kind: 'branch' | 'leaf' | 'freelist';
  readonly count: number;
  /** Pages that belong to it behind the first. */
  readonly overflow: number;
  /** Byte range in the file, header included. */
  readonly start: number;
  readonly end: number;
}

/** Throws when `page` is no page of a tree, or not the page that its place says. */
export function readPage(reader: DatabaseReader, geometry: Geometry, page: number): Page {
  const { pageSize, pageCount } = geometry;
  if (page < 2 || page >= pageCount) {
    throw pageFault(page, `is referenced, but the database has the pages 2 to ${pageCount - 1}`);
  }
  const start = page * pageSize;
  reader.load(start, pageSize);
  const { id, flags, count, overflow } = readHeader(reader, start);
  if (id !== page) throw pageFault(page, `calls itself page ${id}`, { found: id });
  const kind = pageKind(flags);
  if (kind === undefined) throw pageFault(page, describeFlags(flags), { flags });
  if (page + overflow >= pageCount) {
    const reason = `has ${overflow} overflow pages, reaching past the last page ${pageCount - 1}`;
    throw pageFault(page, reason, { overflow });
  }
  const end = start + (overflow + 1) * pageSize;
  if (overflow > 0) reader.load(start, end - start);
  return { page, kind, count, overflow, start, end };
}

/** A leaf page stored inside the value of a small bucket. `page` is for the messages. */
export function readInlinePage(
  reader: DatabaseReader,
  place: { readonly page: number; readonly start: number; readonly end: number },
): Page {
  const { page, start, end } = place;
  if (end - start < pageHeaderBytes) throw pageFault(page, 'an inline bucket is cut off');
  const { flags, count, overflow } = readHeader(reader, start);
  if (flags !== leafFlag || overflow !== 0) {
    throw pageFault(page, `an inline bucket is no leaf (flags ${flags}, overflow ${overflow})`);
  }
  return { page, kind: 'leaf', count, overflow, start, end };
}

function readHeader(reader: DatabaseReader, start: number) {
  const bytes = reader.bytes(start, pageHeaderBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, pageHeaderBytes);
  return {
    id: Number(view.getBigUint64(0, true)),
    flags: view.getUint16(8, true),
    count: view.getUint16(10, true),
    overflow: view.getUint32(12, true),
  };
}

function pageKind(flags: number): Page['kind'] | undefined {
  if (flags === branchFlag) return 'branch';
  if (flags === leafFlag) return 'leaf';
  return flags === freelistFlag ? 'freelist' : undefined;
}

function describeFlags(flags: number): string {
  if (flags === 0) return 'is empty (all zero?) where a page of the tree must be';
  if (flags === metaFlag) return 'is a meta page where a page of the tree must be';
  return `has the unknown type 0x${flags.toString(16)}`;
}
