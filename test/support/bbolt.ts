/**
 * Writes small bbolt files for the tests, as bbolt would or with faults that can be asked for, and
 * reads them from memory. Independent of the code under test.
 */
import { createHash } from 'node:crypto';
import type { ByteSource } from '../../src/format/byte-source.ts';
import { branchPage, freelistPage, leafBytes, leafPage, metaPage } from './bbolt-pages.ts';

type Bytes = Uint8Array | string;
export type TestPair = readonly [key: Bytes, value: Bytes];

export interface TestBucket {
  readonly pairs: readonly TestPair[];
  /** Stored inside the root page; by default whatever bbolt would store there. */
  readonly inline?: boolean;
  readonly pairsPerLeaf?: number;
  readonly childrenPerBranch?: number;
}

export interface TestFileOptions {
  readonly pageSize?: number;
  readonly txid?: bigint;
  readonly storedFreelist?: boolean;
  /** Page numbers are handed out in an order drawn from this; ascending without it. */
  readonly shuffleSeed?: number;
  /** Contents of free pages, each a whole number of pages. */
  readonly freePages?: readonly ((page: number) => Uint8Array)[];
  /** An overflow page more than the data needs, as bbolt 1.3 has it. */
  readonly spareOverflow?: boolean;
  readonly branchAtRoot?: boolean;
}

export interface TestFile {
  readonly bytes: Buffer;
  readonly pageSize: number;
  readonly rootPage: number;
  /** Page numbers by bucket name, in key order. */
  readonly leaves: Readonly<Record<string, number[]>>;
  readonly branches: Readonly<Record<string, number[]>>;
  readonly freePages: readonly number[];
  readonly freelistPage: number | undefined;
}

interface Entry {
  readonly key: Buffer;
  readonly value: () => Buffer;
  readonly flags: number;
}

export function writeBbolt(
  buckets: Readonly<Record<string, TestBucket | readonly TestPair[]>>,
  options: TestFileOptions = {},
): TestFile {
  return new BboltWriter(options).write(buckets);
}

class BboltWriter {
  readonly #options: TestFileOptions;
  readonly #pageSize: number;
  readonly #placed: { sizeBytes: number; fill: (page: number) => Uint8Array }[] = [];
  readonly #numbers: number[] = [];

  constructor(options: TestFileOptions) {
    this.#options = options;
    this.#pageSize = options.pageSize ?? 4096;
  }

  write(input: Readonly<Record<string, TestBucket | readonly TestPair[]>>): TestFile {
    const built = Object.entries(input)
      .map(([name, content]) => ({ name, key: Buffer.from(name), content: bucketOf(content) }))
      .sort((a, b) => Buffer.compare(a.key, b.key))
      .map((bucket) => ({ ...bucket, ...this.#bucket(bucket.content) }));
    const entries = built.map(({ key, value }) => ({ key, value, flags: 1 }));
    const perLeaf = this.#options.branchAtRoot ? 2 : entries.length;
    const root = this.#tree(entries, { pairs: [], pairsPerLeaf: Math.max(perLeaf, 1) });
    const free = (this.#options.freePages ?? []).map((fill) => this.#place(fill(0).length, fill));
    const freelist = this.#options.storedFreelist ? this.#freelist(free) : undefined;
    const pageCount = this.#number();
    const bytes = Buffer.alloc(pageCount * this.#pageSize);
    for (const [id, { fill }] of this.#placed.entries()) {
      bytes.set(fill(this.#pageOf(id)), this.#pageOf(id) * this.#pageSize);
    }
    const list = freelist === undefined ? undefined : this.#pageOf(freelist);
    const txid = this.#options.txid ?? 7n;
    const rootPage = this.#pageOf(root.id);
    const meta = { pageSize: this.#pageSize, rootPage, freelistPage: list, pageCount };
    bytes.set(metaPage({ ...meta, id: 0, txid }), 0);
    bytes.set(metaPage({ ...meta, id: 1, txid: txid - 1n }), this.#pageSize);
    const pages = (ids: readonly number[]) => ids.map((id) => this.#pageOf(id));
    return {
      bytes,
      pageSize: this.#pageSize,
      rootPage,
      freelistPage: list,
      leaves: Object.fromEntries(built.map((one) => [one.name, pages(one.leaves)])),
      branches: Object.fromEntries(built.map((one) => [one.name, pages(one.branches)])),
      freePages: pages(free),
    };
  }

  #bucket(content: TestBucket) {
    const entries = content.pairs.map(([key, value]) => {
      const bytes = Buffer.from(value);
      return { key: Buffer.from(key), value: () => bytes, flags: 0 };
    });
    if (content.inline ?? leafBytes(plain(entries)) <= this.#pageSize / 4) {
      const inline = Buffer.concat([Buffer.alloc(16), leafPage(0, plain(entries), 0)]);
      return { value: () => inline, leaves: [], branches: [] };
    }
    const tree = this.#tree(entries, content);
    const value = () => {
      const header = Buffer.alloc(16);
      header.writeBigUInt64LE(BigInt(this.#pageOf(tree.id)));
      return header;
    };
    return { value, leaves: tree.leaves, branches: tree.branches };
  }

  #tree(entries: readonly Entry[], shape: TestBucket) {
    let level = this.#split(entries, shape.pairsPerLeaf).map((group) => this.#leaf(group));
    const leaves = level.map((one) => one.id);
    const branches: number[] = [];
    while (level.length > 1) {
      level = chunk(level, shape.childrenPerBranch ?? 40).map((children) => {
        const sizeBytes = 16 + children.reduce((sum, child) => sum + 16 + child.key.length, 0);
        const pages = Math.ceil(sizeBytes / this.#pageSize);
        const numbered = () =>
          children.map((child) => ({ key: child.key, page: this.#pageOf(child.id) }));
        const fill = (page: number) => branchPage(page, numbered(), pages - 1);
        const id = this.#place(pages * this.#pageSize, fill);
        branches.push(id);
        return { id, key: (children[0] as { key: Buffer }).key };
      });
    }
    return { id: (level[0] as { id: number }).id, leaves, branches };
  }

  #leaf(group: readonly Entry[]) {
    const sizeBytes = leafBytes(plain(group));
    const spare = this.#options.spareOverflow && sizeBytes > this.#pageSize ? 1 : 0;
    const pages = Math.ceil(sizeBytes / this.#pageSize) + spare;
    const fill = (page: number) => leafPage(page, plain(group), pages - 1);
    const id = this.#place(pages * this.#pageSize, fill);
    return { id, key: group[0]?.key ?? Buffer.alloc(0) };
  }

  #split(entries: readonly Entry[], count: number | undefined): Entry[][] {
    if (entries.length === 0) return [[]];
    if (count !== undefined) return chunk(entries, count);
    const groups: Entry[][] = [];
    let used = this.#pageSize;
    for (const entry of entries) {
      const size = 16 + entry.key.length + entry.value().length;
      if (used + size > this.#pageSize) {
        groups.push([]);
        used = 16;
      }
      (groups.at(-1) as Entry[]).push(entry);
      used += size;
    }
    return groups;
  }

  #freelist(free: readonly number[]): number {
    return this.#place(this.#pageSize, (page) => {
      const ids = free.flatMap((id) => {
        const pages = (this.#placed[id] as { sizeBytes: number }).sizeBytes / this.#pageSize;
        return Array.from({ length: pages }, (_, at) => this.#pageOf(id) + at);
      });
      return freelistPage(
        page,
        ids.sort((a, b) => a - b),
      );
    });
  }

  #place(sizeBytes: number, fill: (page: number) => Uint8Array): number {
    this.#placed.push({ sizeBytes, fill });
    return this.#placed.length - 1;
  }

  #pageOf(id: number): number {
    // Sizes are asked for before the numbers are known; they do not depend on them.
    return this.#numbers[id] ?? 0;
  }

  #number(): number {
    const order = this.#placed.map((_, id) => id);
    if (this.#options.shuffleSeed !== undefined) shuffle(order, this.#options.shuffleSeed);
    let next = 2;
    for (const id of order) {
      this.#numbers[id] = next;
      next += (this.#placed[id] as { sizeBytes: number }).sizeBytes / this.#pageSize;
    }
    return next;
  }
}

function bucketOf(content: TestBucket | readonly TestPair[]): TestBucket {
  return 'pairs' in content ? content : { pairs: content };
}

function plain(entries: readonly Entry[]) {
  return entries.map((entry) => ({ ...entry, value: entry.value() }));
}

/** The database with its SHA-256 behind it, as the snapshot stream sends it. */
export function withTrailer(database: Uint8Array): Buffer {
  return Buffer.concat([database, createHash('sha256').update(database).digest()]);
}

export function memorySource(bytes: Uint8Array): ByteSource & { readonly reads: () => number } {
  let reads = 0;
  return {
    sizeBytes: bytes.length,
    read(position, into) {
      reads++;
      const piece = bytes.subarray(position, position + into.length);
      into.set(piece);
      return piece.length;
    },
    reads: () => reads,
  };
}

function chunk<T>(all: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let at = 0; at < all.length; at += size) chunks.push(all.slice(at, at + size));
  return chunks;
}

/** The same order for the same seed. */
function shuffle(order: number[], seed: number): void {
  let state = seed | 1;
  for (let at = order.length - 1; at > 0; at--) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const other = (state >>> 8) % (at + 1);
    const taken = order[at] as number;
    order[at] = order[other] as number;
    order[other] = taken;
  }
}
