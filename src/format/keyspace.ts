/**
 * The bucket `key` after its proof: its leaves in key order with what is known of each, and the
 * way back to the file for what is not. The hashes and counts of rows are computed from this.
 */
import type { BitSet } from './bit-set.ts';
import { type DatabaseReader, viewBytes } from './database-reader.ts';
import { fileFault, pageFault } from './fault.ts';
import { noBounds } from './key-bounds.ts';
import { KeyTable } from './key-table.ts';
import { fingerprintKey, locateKeyValue } from './key-value.ts';
import { pairsOf } from './leaf.ts';
import { type Geometry, type Page, readPage } from './page.ts';
import { PageList } from './page-list.ts';
import type { PageScan } from './page-scan.ts';
import { decodeRevisionKey, type RevisionKey } from './revision-key.ts';
import { notLogged, RowLog } from './row-log.ts';
import { takenMark, tombstoneMark } from './row-page.ts';

/** The logged words of the rows of one leaf: row n is words[first + 2n] and the next. */
export interface RowWords {
  readonly words: Uint32Array;
  readonly first: number;
}

/** One row, as the exact way reads it. */
export interface Row {
  readonly revision: RevisionKey;
  /** Where the row begins in the file, and how many bytes key and value have together. */
  readonly start: number;
  readonly bytes: number;
}

/** Rows are counted in key order, so both ranges begin at row 0. */
export interface RowRange {
  /** Rows from this number on are newer than the revision asked for. */
  readonly visible: number;
  /** Rows below this number are at or below the compaction. */
  readonly compacted: number;
}

export interface NewestRows {
  readonly range: RowRange;
  /** User keys whose newest visible row is no tombstone. */
  readonly liveKeys: number;
  /** Compacted rows that are not the newest of their key, or are tombstones. */
  readonly outdated: BitSet;
}

// With fewer, narrowing the range of fingerprints that are counted could leave none.
const fewestKeys = 8;
/** In the list of leaves, for a keyspace so small that it lies inside the root page. */
const inlinePage = 0;

export class Keyspace {
  readonly reader: DatabaseReader;
  readonly geometry: Geometry;
  readonly scan: PageScan;
  readonly leaves = new PageList();
  /** What was found out last, for the next who asks the same. */
  newest: NewestRows | undefined;
  readonly #scratch = new RowLog(1);
  readonly #keyLimit: number;
  #table: KeyTable | undefined;
  #inline: Page | undefined;
  #totalRows = 0;
  #lastRevision = 0n;
  #currentRevision = 1n;
  #compactRevision: bigint | null = null;

  constructor(
    reader: DatabaseReader,
    geometry: Geometry,
    scanned: { readonly scan: PageScan; readonly keyLimit: number },
  ) {
    this.reader = reader;
    this.geometry = geometry;
    this.scan = scanned.scan;
    this.#keyLimit = scanned.keyLimit;
  }

  /** One for all who count keys: it is large. Made when the rows are known. */
  get table(): KeyTable {
    const room = Math.max(this.#keyLimit, fewestKeys);
    this.#table ??= new KeyTable(Math.min(this.#totalRows, room));
    return this.#table;
  }

  get totalRows(): number {
    return this.#totalRows;
  }

  /** Main revision of the last row; 0 without rows. */
  get lastRevision(): bigint {
    return this.#lastRevision;
  }

  /** Where a member started from the file stands. */
  get currentRevision(): bigint {
    return this.#currentRevision;
  }

  get compactRevision(): bigint | null {
    return this.#compactRevision;
  }

  /** A proved leaf whose rows are among the facts of its page. */
  addLeaf(page: number): void {
    const rows = this.scan.facts.rows(page);
    if (rows === 0) return;
    this.leaves.push(page);
    this.#totalRows += rows;
  }

  addInlineLeaf(page: Page, place: number): void {
    this.#inline = page;
    this.scan.facts.putRows(inlinePage, page.count, place);
    this.addLeaf(inlinePage);
  }

  /** All leaves are there; `compactions` are the marks of the bucket `meta`. */
  settle(compactions: readonly bigint[]): void {
    const last = this.leaves.length - 1;
    if (last >= 0) for (const row of this.rowsFrom(last)) this.#lastRevision = row.revision.main;
    this.#compactRevision = compactions.length === 0 ? null : largest(compactions);
    this.#currentRevision = largest([1n, this.#lastRevision, ...compactions]);
  }

  rowsOf(leaf: number): number {
    return this.scan.facts.rows(this.leaves.at(leaf));
  }

  /** Valid until the next call. */
  wordsOf(leaf: number): RowWords {
    const page = this.leaves.at(leaf);
    const place = this.scan.facts.place(page);
    const log = place === notLogged ? this.#scratch : this.scan.log;
    if (place !== notLogged) return { words: log.wordsOf(place), first: log.offsetOf(place) * 2 };
    this.#scratch.clear();
    if (!this.#reread(leaf)) this.#readExactly(leaf);
    return { words: this.#scratch.wordsOf(0), first: 0 };
  }

  /** Every row of a proved leaf, from the file. */
  *rowsFrom(leaf: number): Generator<Row> {
    const number = this.leaves.at(leaf);
    const page = number === inlinePage ? this.#inline : undefined;
    yield* rowsOfPage(this.reader, page ?? readPage(this.reader, this.geometry, number));
  }

  /** How many rows have a main revision of at most `revision`. */
  countRowsThrough(revision: bigint): number {
    let from = 0;
    let to = this.leaves.length;
    while (from < to) {
      const middle = Math.floor((from + to) / 2);
      if (this.#firstRevision(middle) <= revision) from = middle + 1;
      else to = middle;
    }
    if (from === 0) return 0;
    let rows = 0;
    for (let leaf = 0; leaf < from - 1; leaf++) rows += this.rowsOf(leaf);
    for (const row of this.rowsFrom(from - 1)) {
      if (row.revision.main > revision) break;
      rows++;
    }
    return rows;
  }

  #firstRevision(leaf: number): bigint {
    const first = this.rowsFrom(leaf).next();
    if (first.done) throw fileFault(`leaf ${leaf} of the bucket "key" is empty`);
    return first.value.revision.main;
  }

  #reread(leaf: number): boolean {
    const { facts, judge } = this.scan;
    const { pageSize } = this.geometry;
    const page = this.leaves.at(leaf);
    if (!facts.isSummed(page)) return false;
    const extentBytes = (1 + facts.overflow(page, pageSize)) * pageSize;
    if (extentBytes > viewBytes) return false;
    if (!this.reader.sees(page * pageSize, extentBytes)) this.#loadNeighbours(leaf, extentBytes);
    const bytes = this.reader.bytes(page * pageSize, extentBytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return judge.reread({ bytes, view }, facts.rows(page), this.#scratch);
  }

  /** One large read instead of many small ones, where the leaves before this one lie close by. */
  #loadNeighbours(leaf: number, extentBytes: number): void {
    const { pageSize } = this.geometry;
    const page = this.leaves.at(leaf);
    const end = page * pageSize + extentBytes;
    let first = page;
    for (let at = leaf - 1; at >= 0 && leaf - at < neighbours; at--) {
      const next = this.leaves.at(at);
      const isClose = next < first && first - next <= neighbourDistance;
      if (!isClose || end - next * pageSize > viewBytes) break;
      first = next;
    }
    this.reader.load(first * pageSize, end - first * pageSize);
  }

  #readExactly(leaf: number): void {
    const { fingerprint } = this.scan;
    this.#scratch.place(this.rowsOf(leaf));
    const words = this.#scratch.wordsOf(0);
    let word = 0;
    for (const row of this.rowsFrom(leaf)) {
      const keyBytes = row.revision.tombstone ? 18 : 17;
      const { start, bytes } = row;
      const place = locateKeyValue(this.reader, start + keyBytes, bytes - keyBytes);
      if (place === undefined) throw fileFault(`a row of leaf ${leaf} is no KeyValue`);
      fingerprintKey(this.reader, place, fingerprint);
      words[word++] = fingerprint.low | takenMark | (row.revision.tombstone ? tombstoneMark : 0);
      words[word++] = fingerprint.high;
    }
  }
}

function largest(revisions: readonly bigint[]): bigint {
  let most = 0n;
  for (const one of revisions) if (one > most) most = one;
  return most;
}

// Leaves that one large read may bring, and how far apart they may lie to be worth it.
const neighbours = 64;
const neighbourDistance = 4;

/** The rows of a leaf of the bucket `key`; throws when one is none. */
export function* rowsOfPage(reader: DatabaseReader, page: Page, bounds = noBounds): Generator<Row> {
  for (const pair of pairsOf(reader, page, bounds)) {
    const revision = decodeRevisionKey(pair.key);
    if (revision === undefined || pair.isBucket) {
      const { index } = pair;
      throw pageFault(page.page, `element ${index} of the bucket "key" is no revision`, { index });
    }
    yield { revision, start: pair.start, bytes: pair.key.length + pair.valueBytes };
  }
}
