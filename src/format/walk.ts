/**
 * The walk of a bbolt tree from its root, in key order. Proves the structure on the way: every
 * page is where it says, is reached once, and holds keys between the separators above it.
 */
import { BitSet } from './bit-set.ts';
import { Branch } from './branch.ts';
import type { DatabaseReader } from './database-reader.ts';
import { pageFault } from './fault.ts';
import { type KeyBounds, noBounds } from './key-bounds.ts';
import { type Geometry, type Page, readPage } from './page.ts';

// A tree of 2^53 bytes with two children per branch would not be as deep.
const maxDepth = 48;

export interface LeafVisitor {
  /**
   * Overflow pages of a leaf whose content is already proved, so that it need not be read;
   * undefined for any other page.
   */
  knownOverflow(page: number): number | undefined;
  knownLeaf(page: number, bounds: KeyBounds): void;
  leaf(page: Page, bounds: KeyBounds): void;
}

/** Pages of the database that something refers to. */
export class ReachedPages {
  readonly #geometry: Geometry;
  readonly #pages: BitSet;
  #count = 0;

  constructor(geometry: Geometry) {
    this.#geometry = geometry;
    this.#pages = new BitSet(geometry.pageCount);
  }

  get count(): number {
    return this.#count;
  }

  has(page: number): boolean {
    return this.#pages.has(page);
  }

  /** Throws when one of the pages belongs to something else already. */
  add(first: number, overflow: number): void {
    if (first + overflow >= this.#geometry.pageCount) {
      throw pageFault(first, `has ${overflow} overflow pages, reaching past the last page`);
    }
    for (let page = first; page <= first + overflow; page++) {
      if (this.#pages.has(page)) {
        const owner = page === first ? '' : ` (now as overflow of page ${first})`;
        throw pageFault(page, `is referenced twice${owner}`);
      }
      this.#pages.add(page);
      this.#count++;
    }
  }
}

interface Level {
  readonly branch: Branch;
  readonly bounds: KeyBounds;
  next: number;
}

export function walkTree(
  tree: { readonly reader: DatabaseReader; readonly geometry: Geometry; reached: ReachedPages },
  rootPage: number,
  visitor: LeafVisitor,
): void {
  const levels: Level[] = [];
  enter(rootPage, noBounds);
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const { branch, bounds, next } = level;
    if (next === branch.count) {
      levels.pop();
      continue;
    }
    level.next = next + 1;
    const upper = next + 1 < branch.count ? branch.key(next + 1) : bounds.upper;
    enter(branch.child(next), { lower: branch.key(next), upper });
  }

  function enter(number: number, bounds: KeyBounds): void {
    const overflow = visitor.knownOverflow(number);
    if (overflow !== undefined) {
      tree.reached.add(number, overflow);
      visitor.knownLeaf(number, bounds);
      return;
    }
    const page = readPage(tree.reader, tree.geometry, number);
    if (page.kind === 'freelist') throw pageFault(number, 'is a free list inside a tree');
    tree.reached.add(number, page.overflow);
    if (page.kind === 'leaf') {
      visitor.leaf(page, bounds);
      return;
    }
    if (levels.length === maxDepth) throw pageFault(number, `lies deeper than ${maxDepth} levels`);
    levels.push({ branch: new Branch(tree.reader, page, bounds), bounds, next: 0 });
  }
}
