/**
 * A stored free list. etcd never stores one, but a file that another bbolt program has written to
 * last has it; then every page must be either reached from the root or free, and never both.
 */
import { BitSet } from './bit-set.ts';
import type { DatabaseReader } from './database-reader.ts';
import { pageFault } from './fault.ts';
import { type Geometry, type Page, pageHeaderBytes, readPage } from './page.ts';
import type { ReachedPages } from './walk.ts';

// A count that does not fit 16 bits is stored as this, and the real one before the page numbers.
const countElsewhere = 0xffff;
const idBytes = 8;

export function checkFreelist(
  tree: { readonly reader: DatabaseReader; readonly geometry: Geometry; reached: ReachedPages },
  freelistPage: number,
): void {
  const { reader, geometry, reached } = tree;
  const page = readPage(reader, geometry, freelistPage);
  if (page.kind !== 'freelist') throw pageFault(freelistPage, `is a ${page.kind}, not a free list`);
  reached.add(freelistPage, page.overflow);
  const free = readFree(reader, geometry, page, reached);
  for (let at = 2; at < geometry.pageCount; at++) {
    if (!reached.has(at) && !free.has(at)) {
      throw pageFault(at, 'is neither reachable nor free');
    }
  }
}

function readFree(
  reader: DatabaseReader,
  geometry: Geometry,
  page: Page,
  reached: ReachedPages,
): BitSet {
  const free = new BitSet(geometry.pageCount);
  let start = page.start + pageHeaderBytes;
  let count = page.count;
  if (count === countElsewhere) {
    count = readId(reader, start);
    start += idBytes;
  }
  if (count > (page.end - start) / idBytes) {
    throw pageFault(page.page, `has no room for ${count} free pages`, { count });
  }
  for (let index = 0; index < count; index++) {
    const id = readId(reader, start + index * idBytes);
    if (id < 2 || id >= geometry.pageCount) {
      throw pageFault(page.page, `lists page ${id}, which does not exist`, { listed: id });
    }
    if (free.has(id)) throw pageFault(id, 'is freed twice');
    if (reached.has(id)) throw pageFault(id, 'is reachable and free');
    free.add(id);
  }
  return free;
}

function readId(reader: DatabaseReader, position: number): number {
  const bytes = reader.bytes(position, idBytes);
  return Number(new DataView(bytes.buffer, bytes.byteOffset, idBytes).getBigUint64(0, true));
}
