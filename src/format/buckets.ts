/** The list of buckets at the root of the database, in key order. */
import type { DatabaseReader } from './database-reader.ts';
import { fileFault, pageFault } from './fault.ts';
import type { KeyBounds } from './key-bounds.ts';
import { type Pair, pairsOf } from './leaf.ts';
import { type Geometry, type Page, readInlinePage } from './page.ts';
import { type ReachedPages, walkTree } from './walk.ts';

export interface Tree {
  readonly reader: DatabaseReader;
  readonly geometry: Geometry;
  readonly reached: ReachedPages;
}

export interface Bucket {
  readonly name: string;
  readonly nameBytes: Uint8Array;
  /** A page of its own, or a small leaf inside the root page. */
  readonly root: number | Page;
}

const headerBytes = 16;
// etcd has eleven. The list is kept in memory, so damage must not make it long.
const mostBuckets = 1000;

export function listBuckets(tree: Tree, rootPage: number): Bucket[] {
  const buckets: Bucket[] = [];
  walkTree(tree, rootPage, {
    knownOverflow: () => undefined,
    knownLeaf: () => undefined,
    leaf: (page: Page, bounds: KeyBounds) => {
      for (const pair of pairsOf(tree.reader, page, bounds)) {
        buckets.push(readBucket(tree.reader, page, pair));
        if (buckets.length > mostBuckets) throw fileFault('the database has too many buckets');
      }
    },
  });
  return buckets;
}

/** Every leaf of the bucket in key order; what nests another bucket is refused by the callers. */
export function walkBucket(
  tree: Tree,
  bucket: Bucket,
  leaf: (page: Page, bounds: KeyBounds) => void,
): void {
  if (typeof bucket.root !== 'number') {
    leaf(bucket.root, { lower: undefined, upper: undefined });
    return;
  }
  const nothingKnown = { knownOverflow: () => undefined, knownLeaf: () => undefined };
  walkTree(tree, bucket.root, { ...nothingKnown, leaf });
}

function readBucket(reader: DatabaseReader, page: Page, pair: Pair): Bucket {
  const name = new TextDecoder().decode(pair.key);
  const shown = JSON.stringify(name.slice(0, 64));
  if (!pair.isBucket) throw pageFault(page.page, `${shown} is no bucket, as etcd has at the root`);
  if (pair.valueBytes < headerBytes) throw pageFault(page.page, `bucket ${shown} is cut off`);
  const header = reader.bytes(pair.valueStart, headerBytes);
  const view = new DataView(header.buffer, header.byteOffset, headerBytes);
  const root = Number(view.getBigUint64(0, true));
  if (root !== 0) return { name, nameBytes: pair.key, root };
  const start = pair.valueStart + headerBytes;
  const end = pair.valueStart + pair.valueBytes;
  const inline = readInlinePage(reader, { page: page.page, start, end });
  return { name, nameBytes: pair.key, root: inline };
}
