/**
 * Changes to a bbolt database that never touch a page in use: buckets are written anew behind the
 * last page, and a new meta page puts them in force. Until that page is written, the file is the
 * database that it was.
 */

import { Branch } from './branch.ts';
import type { ByteSource } from './byte-source.ts';
import { DatabaseReader, viewBytes } from './database-reader.ts';
import { fileFault, pageFault } from './fault.ts';
import { noBounds } from './key-bounds.ts';
import { pairsOf } from './leaf.ts';
import { chooseMeta, type Meta } from './meta.ts';
import { type Geometry, type Page, readInlinePage, readPage } from './page.ts';
import { branchImage, type LeafPair, leafImage, metaImage } from './page-write.ts';
import { ReachedPages } from './walk.ts';

/** Bytes for a place in the file. */
export interface Write {
  readonly position: number;
  readonly bytes: Uint8Array;
}

export interface AppendedPages {
  /** To be written and synced first. */
  readonly pages: readonly Write[];
  /** Puts them in force. */
  readonly meta: Write;
  /** What the file must be long: where the last page ends. */
  readonly sizeBytes: number;
}

const bucketHeaderBytes = 16;
// bbolt keeps a bucket inside its parent while it is at most a quarter of a page.
const inlineShare = 4;

export class PageAppender {
  readonly #reader: DatabaseReader;
  readonly #meta: Meta;
  readonly #geometry: Geometry;
  readonly #writes: Write[] = [];
  /** Values of the root: what names a bucket, and its content where that is small. */
  readonly #buckets = new Map<string, Uint8Array>();
  #nextPage: number;

  constructor(source: ByteSource, databaseBytes: number) {
    this.#reader = new DatabaseReader(source, databaseBytes);
    this.#meta = chooseMeta(this.#reader);
    this.#geometry = this.#meta;
    this.#nextPage = this.#meta.pageCount;
    for (const { key, value } of this.#pairsBelow(this.#meta.rootPage)) {
      this.#buckets.set(Buffer.from(key).toString('latin1'), value);
    }
  }

  /** The pairs of a bucket in key order; none when there is no such bucket. For small buckets. */
  pairs(bucket: string): LeafPair[] {
    const value = this.#buckets.get(bucket);
    if (value === undefined) return [];
    const root = rootOf(value);
    if (root !== 0) return this.#pairsBelow(root);
    // Read from memory as if it were a file: an inline bucket may be one of ours.
    const reader = new DatabaseReader(memorySource(value), value.length);
    const place = { page: this.#meta.rootPage, start: bucketHeaderBytes, end: value.length };
    return [...this.#leafPairs(reader, readInlinePage(reader, place))];
  }

  /** Replaces the content of a bucket, or makes it. */
  setPairs(bucket: string, pairs: readonly LeafPair[]): void {
    const { pageSize } = this.#geometry;
    const sorted = pairs.toSorted((a, b) => Buffer.compare(a.key, b.key));
    const small = leafImage(sorted, 0, pageSize);
    if (small.length <= pageSize / inlineShare) this.#setBucket(bucket, 0, small);
    else
      this.#setBucket(
        bucket,
        this.#append((page) => leafImage(sorted, page, pageSize)),
      );
  }

  /** Adds a pair whose key is larger than all others of the bucket, however large that is. */
  addLast(bucket: string, pair: LeafPair): void {
    const root = rootOf(this.#buckets.get(bucket) ?? new Uint8Array(bucketHeaderBytes));
    if (root === 0) this.setPairs(bucket, [...this.pairs(bucket), pair]);
    else this.#setBucket(bucket, this.#addAtRightEdge(root, pair));
  }

  /** The last key of a bucket, or undefined when it has none. */
  lastKey(bucket: string): Uint8Array | undefined {
    let root = rootOf(this.#buckets.get(bucket) ?? new Uint8Array(bucketHeaderBytes));
    if (root === 0) return this.pairs(bucket).at(-1)?.key;
    const reached = new ReachedPages(this.#geometry);
    for (;;) {
      const page = this.#read(root, reached);
      if (page.kind === 'leaf') return [...this.#leafPairs(this.#reader, page)].at(-1)?.key;
      const branch = new Branch(this.#reader, page, noBounds);
      root = branch.child(branch.count - 1);
    }
  }

  /** What is to be written. Call it last and once. */
  finish(): AppendedPages {
    const { pageSize } = this.#geometry;
    const root = [...this.#buckets]
      .map(([name, value]) => ({ key: Buffer.from(name, 'latin1'), value, isBucket: true }))
      .sort((a, b) => Buffer.compare(a.key, b.key));
    const rootPage = this.#append((page) => leafImage(root, page, pageSize));
    const meta = metaImage({
      pageSize,
      rootPage,
      freelistPage: undefined,
      pageCount: this.#nextPage,
      txid: this.#meta.txid + 1n,
    });
    return { pages: this.#writes, meta, sizeBytes: this.#nextPage * pageSize };
  }

  #setBucket(bucket: string, root: number, content: Uint8Array = Buffer.alloc(0)): void {
    const header = Buffer.alloc(bucketHeaderBytes);
    // The sequence behind the root page stays; etcd never uses it.
    header.set(this.#buckets.get(bucket)?.subarray(0, bucketHeaderBytes) ?? []);
    header.writeBigUInt64LE(BigInt(root), 0);
    this.#buckets.set(bucket, Buffer.concat([header, content]));
  }

  #append(image: (page: number) => Uint8Array): number {
    const page = this.#nextPage;
    const bytes = image(page);
    const { pageSize } = this.#geometry;
    this.#writes.push({ position: page * pageSize, bytes });
    this.#nextPage += Math.ceil(bytes.length / pageSize);
    return page;
  }

  /** Writes the last leaf with the pair, and every branch above it, anew. */
  #addAtRightEdge(
    root: number,
    pair: LeafPair,
    reached = new ReachedPages(this.#geometry),
  ): number {
    const { pageSize, pageCount } = this.#geometry;
    const page = this.#read(root, reached);
    if (page.kind === 'leaf') {
      const pairs = [...this.#leafPairs(this.#reader, page), pair];
      return this.#append((at) => leafImage(pairs, at, pageSize));
    }
    const branch = new Branch(this.#reader, page, noBounds);
    const children = Array.from({ length: branch.count }, (_, index) => ({
      key: branch.key(index),
      page: branch.child(index),
    }));
    const last = children.at(-1);
    if (last === undefined) throw pageFault(root, 'is a branch without children');
    if (children.some((child) => child.page >= pageCount)) {
      throw pageFault(root, 'has a child beyond the last page');
    }
    last.page = this.#addAtRightEdge(last.page, pair, reached);
    return this.#append((at) => branchImage(children, at, pageSize));
  }

  #pairsBelow(root: number, reached = new ReachedPages(this.#geometry)): LeafPair[] {
    const page = this.#read(root, reached);
    if (page.kind === 'leaf') return [...this.#leafPairs(this.#reader, page)];
    const branch = new Branch(this.#reader, page, noBounds);
    const children = Array.from({ length: branch.count }, (_, index) => branch.child(index));
    return children.flatMap((child) => this.#pairsBelow(child, reached));
  }

  /** Each page once: damage may lead in circles. */
  #read(number: number, reached: ReachedPages): Page {
    const page = readPage(this.#reader, this.#geometry, number);
    reached.add(number, page.overflow);
    return page;
  }

  *#leafPairs(reader: DatabaseReader, page: Page): Generator<LeafPair> {
    for (const { key, isBucket, valueStart, valueBytes } of pairsOf(reader, page, noBounds)) {
      yield { key, isBucket, value: readWhole(reader, valueStart, valueBytes) };
    }
  }
}

function rootOf(bucketValue: Uint8Array): number {
  if (bucketValue.length < bucketHeaderBytes) throw fileFault('a bucket is cut off');
  return Number(Buffer.from(bucketValue.subarray(0, 8)).readBigUInt64LE());
}

/** A value may be larger than what a reader sees at once. */
function readWhole(reader: DatabaseReader, start: number, length: number): Uint8Array {
  const whole = new Uint8Array(length);
  for (let at = 0; at < length; at += viewBytes) {
    whole.set(reader.bytes(start + at, Math.min(viewBytes, length - at)), at);
  }
  return whole;
}

function memorySource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    read(position, into) {
      const found = bytes.subarray(position, position + into.length);
      into.set(found);
      return found.length;
    },
  };
}
