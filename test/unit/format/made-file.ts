/** Makes bbolt files byte by byte, sound ones and ones that no bbolt would write. */
import {
  branchImage,
  bucketHeader,
  elementBytes,
  headerBytes,
  inlineBucket,
  leafImage,
  type MadePair,
  type Node,
  viewOf,
  writeMeta,
} from './made-pages.ts';

export interface MadeBucket {
  readonly name: string;
  readonly pairs: readonly MadePair[];
  /** Inside the root page instead of on pages of its own. */
  readonly inline?: boolean;
}

export interface MadeOptions {
  readonly pageSize?: number;
  readonly buckets: readonly MadeBucket[];
  /** Children of one branch page; small numbers make deep trees. */
  readonly fanout?: number;
  /** Pages of garbage between the pages in use. */
  readonly garbage?: boolean;
  readonly freelist?: boolean;
  readonly txid?: bigint;
}

export interface MadeDatabase {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly pageSize: number;
  readonly rootPage: number;
  /** Of the bucket `key`, in key order. */
  readonly keyLeaves: readonly number[];
  readonly keyRoot: number;
  readonly freelistPage: number | undefined;
}

export function makeDatabase(options: MadeOptions): MadeDatabase {
  return new Maker(options).make();
}

class Maker {
  readonly #options: MadeOptions;
  readonly #pageSize: number;
  readonly #pages: Uint8Array[] = [];
  readonly #free: number[] = [];
  #next = 2;

  constructor(options: MadeOptions) {
    this.#options = options;
    this.#pageSize = options.pageSize ?? 4096;
  }

  make(): MadeDatabase {
    const { buckets, freelist = false, txid = 8n } = this.#options;
    let keyLeaves: readonly number[] = [];
    let keyRoot = 0;
    const sorted = buckets.toSorted((a, b) =>
      Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
    );
    const entries = sorted.map((bucket) => {
      const key = Buffer.from(bucket.name);
      if (bucket.inline) return { key, value: inlineBucket(bucket.pairs), flags: 1 };
      const leaves = this.#leaves(bucket.pairs);
      const root = this.#branches(leaves).page;
      if (bucket.name === 'key') [keyLeaves, keyRoot] = [leaves.map((leaf) => leaf.page), root];
      return { key, value: bucketHeader(root), flags: 1 };
    });
    const rootPage = this.#put(leafImage(entries));
    const freelistPage = freelist ? this.#freelist() : undefined;
    const bytes = new Uint8Array(this.#next * this.#pageSize);
    for (const [page, image] of this.#pages.entries()) {
      if (image !== undefined) bytes.set(image, page * this.#pageSize);
    }
    for (const page of [0, 1]) {
      const fields = { rootPage, freelistPage, pageCount: this.#next, txid: txid - BigInt(page) };
      writeMeta(bytes, page * this.#pageSize, { page, pageSize: this.#pageSize, ...fields });
    }
    return { bytes, pageSize: this.#pageSize, rootPage, keyLeaves, keyRoot, freelistPage };
  }

  /** File order is the reverse of key order: whoever relies on the one must not get the other. */
  #leaves(pairs: readonly MadePair[]): Node[] {
    const nodes = this.#split(pairs).toReversed();
    return nodes
      .map((part) => {
        const page = this.#put(leafImage(part.map((pair) => ({ ...pair, flags: 0 }))));
        return { firstKey: part[0]?.key ?? new Uint8Array(0), page };
      })
      .toReversed();
  }

  #split(pairs: readonly MadePair[]): MadePair[][] {
    const parts: MadePair[][] = [[]];
    let used = headerBytes;
    for (const pair of pairs) {
      const size = elementBytes + pair.key.length + pair.value.length;
      const part = parts.at(-1) as MadePair[];
      if (part.length > 0 && used + size > this.#pageSize) {
        parts.push([pair]);
        used = headerBytes + size;
      } else {
        part.push(pair);
        used += size;
      }
    }
    return parts;
  }

  #branches(children: readonly Node[]): Node {
    const { fanout = 100 } = this.#options;
    let level = children;
    while (level.length > 1) {
      const above: Node[] = [];
      for (let at = 0; at < level.length; at += fanout) {
        const part = level.slice(at, at + fanout);
        const firstKey = (part[0] as Node).firstKey;
        above.push({ firstKey, page: this.#put(branchImage(part)) });
      }
      level = above;
    }
    return level[0] as Node;
  }

  #put(image: Uint8Array): number {
    if (this.#options.garbage) this.#putGarbage();
    const page = this.#next;
    const pages = Math.max(1, Math.ceil(image.length / this.#pageSize));
    const view = viewOf(image);
    view.setBigUint64(0, BigInt(page), true);
    view.setUint32(12, pages - 1, true);
    this.#pages[page] = image;
    this.#next += pages;
    return page;
  }

  /** A stale leaf that claims thousands of pages, as free pages may. */
  #putGarbage(): void {
    const image = new Uint8Array(this.#pageSize).fill(0xa5);
    const view = viewOf(image);
    view.setBigUint64(0, BigInt(this.#next), true);
    view.setUint16(8, 2, true);
    view.setUint16(10, 3, true);
    view.setUint32(12, this.#free.length % 3, true);
    this.#free.push(this.#next);
    this.#pages[this.#next] = image;
    this.#next++;
  }

  #freelist(): number {
    const image = new Uint8Array(headerBytes + this.#free.length * 8);
    const view = viewOf(image);
    view.setUint16(8, 0x10, true);
    view.setUint16(10, this.#free.length, true);
    for (const [at, page] of this.#free.entries()) {
      view.setBigUint64(headerBytes + at * 8, BigInt(page), true);
    }
    const page = this.#next;
    view.setBigUint64(0, BigInt(page), true);
    const pages = Math.ceil(image.length / this.#pageSize);
    view.setUint32(12, pages - 1, true);
    this.#pages[page] = image;
    this.#next += pages;
    return page;
  }
}
