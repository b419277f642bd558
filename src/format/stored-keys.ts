/**
 * The live keys of a database that is proved, in the order of their bytes, with the place of each
 * value. Memory holds one window of them: where more lie below a prefix, each further window is a
 * further pass over the file.
 */
import { Branch } from './branch.ts';
import { listBuckets, type Tree } from './buckets.ts';
import type { ByteSource } from './byte-source.ts';
import { DatabaseReader, viewBytes } from './database-reader.ts';
import { fileFault, pageFault } from './fault.ts';
import { type KeyBounds, noBounds } from './key-bounds.ts';
import { locateKeyValue, readHead } from './key-value.ts';
import { KeyWindow } from './key-window.ts';
import { chooseMeta } from './meta.ts';
import { elementBytes, type Page, pageHeaderBytes, readPage } from './page.ts';
import { revisionBytes, tombstoneBytes } from './revision-key.ts';
import { ReachedPages } from './walk.ts';

export interface StoredKey {
  readonly key: Uint8Array;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  /** How often the key was written since it was created. */
  readonly version: bigint;
  /** 0: none. */
  readonly lease: bigint;
  readonly valueStart: number;
  readonly valueBytes: number;
}

/** A row in the file. */
interface Row {
  readonly tombstone: boolean;
  readonly start: number;
  readonly bytes: number;
}

const usualRoomBytes = 24 * 1024 * 1024;
// What one read may bring, and how far apart pages may lie to be worth it.
const runBytes = 512 * 1024;
const closePages = 4;
const keyField = 1;
const valueField = 5;

export class StoredKeys {
  readonly #reader: DatabaseReader;
  readonly #roomBytes: number;

  constructor(source: ByteSource, databaseBytes: number, roomBytes = usualRoomBytes) {
    this.#reader = new DatabaseReader(source, databaseBytes);
    this.#roomBytes = roomBytes;
  }

  /**
   * The live keys that begin with `prefix`. Undefined stands for a little work without a key yet:
   * whoever has other things to do can do them meanwhile.
   */
  *below(prefix: Uint8Array): Generator<StoredKey | undefined, void, undefined> {
    for (let from: string | undefined = ''; from !== undefined; ) {
      const window: KeyWindow = new KeyWindow({ prefix, from }, this.#roomBytes);
      for (const leaf of this.#leaves()) {
        this.#read(leaf, window);
        yield undefined;
      }
      for (const element of window.inOrder()) yield this.#keyAt(element);
      from = window.end;
    }
  }

  /** A copy of the value. */
  valueOf({ valueStart, valueBytes }: StoredKey): Uint8Array {
    return this.#copy(valueStart, valueBytes);
  }

  *#leaves(): Generator<Page, void, undefined> {
    const reader = this.#reader;
    const geometry = chooseMeta(reader);
    const tree = { reader, geometry, reached: new ReachedPages(geometry) };
    const bucket = listBuckets(tree, geometry.rootPage).find(({ name }) => name === 'key');
    if (typeof bucket?.root === 'number') yield* leavesBelow(tree, bucket.root, noBounds);
    else if (bucket !== undefined) yield bucket.root;
  }

  /** Rows come oldest first, so the last one of a key is its newest. */
  #read(leaf: Page, window: KeyWindow): void {
    for (let index = 0; index < leaf.count; index++) {
      const element = leaf.start + pageHeaderBytes + index * elementBytes;
      const row = this.#rowAt(element);
      const found = locateKeyValue(this.#reader, row.start, row.bytes);
      if (found === undefined) throw noKeyValue(row);
      const { keyStart, keyBytes } = found;
      // Without a key there is only the mark of a revision jump, which nobody can ask for.
      if (keyBytes === 0 || !this.#begins(keyStart, keyBytes, window.span.prefix)) continue;
      const name = this.#view(keyStart, keyBytes).toString('latin1');
      if (row.tombstone) window.remove(name);
      else window.put(name, element);
    }
  }

  #rowAt(element: number): Row {
    const fields = this.#view(element, elementBytes);
    const keyBytes = fields.readUInt32LE(8);
    if (keyBytes !== revisionBytes && keyBytes !== tombstoneBytes) {
      throw fileFault(`the row at byte ${element} has no revision`);
    }
    return {
      tombstone: keyBytes === tombstoneBytes,
      start: element + fields.readUInt32LE(4) + keyBytes,
      bytes: fields.readUInt32LE(12),
    };
  }

  #begins(start: number, bytes: number, prefix: Uint8Array): boolean {
    if (prefix.length > bytes) return false;
    for (let at = 0; at < prefix.length; at += viewBytes) {
      const part = prefix.subarray(at, at + viewBytes);
      if (Buffer.compare(this.#reader.bytes(start + at, part.length), part) !== 0) return false;
    }
    return true;
  }

  #keyAt(element: number): StoredKey {
    const row = this.#rowAt(element);
    const end = row.start + row.bytes;
    const numbers: bigint[] = new Array(7).fill(0n);
    let [key, value] = [
      { start: 0, bytes: 0 },
      { start: 0, bytes: 0 },
    ];
    for (let at = row.start; at < end; ) {
      const field = readHead(this.#reader, at, end);
      if (field === undefined || field.endsAt > end) throw noKeyValue(row);
      const body = { start: field.bodyStart, bytes: field.endsAt - field.bodyStart };
      if (field.number === keyField) key = body;
      else if (field.number === valueField) value = body;
      else if (field.number < 7) numbers[field.number] = BigInt.asIntN(64, field.value);
      at = field.endsAt;
    }
    const [, , createRevision = 0n, modRevision = 0n, version = 0n, , lease = 0n] = numbers;
    return {
      key: this.#copy(key.start, key.bytes),
      ...{ createRevision, modRevision, version, lease },
      ...{ valueStart: value.start, valueBytes: value.bytes },
    };
  }

  /** Overwritten by later reads, unless it is larger than a view. */
  #view(start: number, bytes: number): Buffer {
    if (bytes > viewBytes) return this.#copy(start, bytes);
    const { buffer, byteOffset } = this.#reader.bytes(start, bytes);
    return Buffer.from(buffer, byteOffset, bytes);
  }

  #copy(start: number, bytes: number): Buffer {
    const copy = Buffer.allocUnsafe(bytes);
    for (let at = 0; at < bytes; at += viewBytes) {
      copy.set(this.#reader.bytes(start + at, Math.min(viewBytes, bytes - at)), at);
    }
    return copy;
  }
}

function* leavesBelow(
  tree: Tree,
  number: number,
  bounds: KeyBounds,
): Generator<Page, void, undefined> {
  const page = readPage(tree.reader, tree.geometry, number);
  // Refuses a page that was there before, so that no damage makes this endless.
  tree.reached.add(number, page.overflow);
  if (page.kind === 'leaf') {
    yield page;
    return;
  }
  if (page.kind === 'freelist') throw pageFault(number, 'is a free list inside a tree');
  const branch = new Branch(tree.reader, page, bounds);
  for (let at = 0; at < branch.count; at++) {
    loadRun(tree, branch, at);
    const upper = at + 1 < branch.count ? branch.key(at + 1) : bounds.upper;
    yield* leavesBelow(tree, branch.child(at), { lower: branch.key(at), upper });
  }
}

/** One large read instead of many small ones, where the next pages lie close behind each other. */
function loadRun({ reader, geometry }: Tree, branch: Branch, from: number): void {
  const [first, { pageSize }] = [branch.child(from), geometry];
  let last = first;
  for (let at = from + 1; at < branch.count; at++) {
    const next = branch.child(at);
    const isClose = next > last && next - last <= closePages;
    if (!isClose || (next + 1 - first) * pageSize > runBytes) break;
    last = next;
  }
  reader.load(first * pageSize, (last + 1 - first) * pageSize);
}

function noKeyValue({ start }: Row) {
  return fileFault(`the row at byte ${start} holds no KeyValue`);
}
