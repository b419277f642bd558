/**
 * The walk of the bucket `key`: takes what the scan found out for every page that it judged, and
 * reads the rest. After it, every row of the keyspace is proved and summed up in key order.
 */
import type { Crc32cJoin } from './crc32c.ts';
import { pageFault } from './fault.ts';
import { type KeyBounds, noBounds } from './key-bounds.ts';
import { fingerprintKey, locateKeyValue } from './key-value.ts';
import { type Keyspace, type Row, rowsOfPage } from './keyspace.ts';
import { elementBytes, type Page, pageHeaderBytes, readPage } from './page.ts';
import { maxFactBytes, type PageFacts } from './page-facts.ts';
import { revisionBytes, tombstoneBytes } from './revision-key.ts';
import {
  endsBelow,
  fingerprintRevision,
  parseRevision,
  type RevisionParts,
  unpackable,
} from './revision-span.ts';
import { notLogged, type RowLog } from './row-log.ts';
import { takenMark, tombstoneMark } from './row-page.ts';
import type { LeafVisitor } from './walk.ts';

/** The status hash of everything before the rows, and what joins the rest to it. */
export interface StatusSum {
  readonly crcs: Crc32cJoin;
  readonly sum: number;
}

export class KeyBucketVisitor implements LeafVisitor {
  readonly #keyspace: Keyspace;
  readonly #facts: PageFacts;
  readonly #log: RowLog;
  readonly #crcs: Crc32cJoin;
  readonly #lower: RevisionParts = { main: 0, sub: 0, tombstone: false };
  readonly #upper: RevisionParts = { main: 0, sub: 0, tombstone: false };
  /** The status hash so far. */
  sum: number;

  constructor(keyspace: Keyspace, { crcs, sum }: StatusSum) {
    this.#keyspace = keyspace;
    this.#facts = keyspace.scan.facts;
    this.#log = keyspace.scan.log;
    this.#crcs = crcs;
    this.sum = sum;
  }

  knownOverflow(page: number): number | undefined {
    if (!this.#facts.isSummed(page)) return undefined;
    return this.#facts.overflow(page, this.#keyspace.geometry.pageSize);
  }

  knownLeaf(page: number, bounds: KeyBounds): void {
    if (!this.#liesWithin(page, bounds)) this.#checkBounds(page, bounds);
    this.sum = this.#crcs.join(this.sum, this.#facts.crc(page), this.#facts.bytes(page));
    this.#keyspace.addLeaf(page);
  }

  leaf(page: Page, bounds: KeyBounds): void {
    const found = this.#read(page, bounds);
    if (page.count > 0) this.#record(page, found);
    this.#keyspace.addLeaf(page.page);
  }

  inlineLeaf(page: Page): void {
    const found = this.#read(page, noBounds);
    this.#keyspace.addInlineLeaf(page, found.place);
  }

  #read(page: Page, bounds: KeyBounds): { crc: number; bytes: number; place: number } {
    const { reader, scan } = this.#keyspace;
    let crc = 0;
    let bytes = 0;
    const place = page.count === 0 ? notLogged : this.#log.place(page.count);
    let word = this.#log.offsetOf(place) * 2;
    for (const row of rowsOfPage(reader, page, bounds)) {
      this.#takeFingerprint(page, row);
      if (place !== notLogged) {
        const words = this.#log.wordsOf(place);
        const mark = row.revision.tombstone ? tombstoneMark : 0;
        words[word++] = scan.fingerprint.low | takenMark | mark;
        words[word++] = scan.fingerprint.high;
      }
      crc = reader.crc(row.start, row.bytes, crc);
      bytes += row.bytes;
    }
    if (place !== notLogged) this.#log.keep(page.count);
    this.sum = this.#crcs.join(this.sum, crc, bytes);
    return { crc, bytes, place };
  }

  /** Whether the facts alone show it. False: not known. */
  #liesWithin(page: number, bounds: KeyBounds): boolean {
    const { lower, upper } = bounds;
    if (lower === undefined) return upper === undefined;
    if (!parseRevision(lower, this.#lower)) return false;
    const { main, sub, tombstone } = this.#lower;
    // A leaf almost always begins with the very key that leads to it.
    if (fingerprintRevision(main, sub, tombstone) !== this.#facts.first(page)) return false;
    if (upper === undefined) return true;
    if (!parseRevision(upper, this.#upper)) return false;
    return endsBelow(this.#lower, this.#facts.last(page), this.#upper);
  }

  #checkBounds(number: number, bounds: KeyBounds): void {
    const { reader, geometry } = this.#keyspace;
    const page = readPage(reader, geometry, number);
    // Reading the rows to the end is the check.
    Array.from(rowsOfPage(reader, page, bounds), () => undefined);
  }

  /** Proves that the value is what etcd can read, and belongs to this row. */
  #takeFingerprint(page: Page, row: Row): void {
    const { reader, scan } = this.#keyspace;
    const { main, sub, tombstone } = row.revision;
    const keyBytes = tombstone ? tombstoneBytes : revisionBytes;
    const valueBytes = row.bytes - keyBytes;
    const value = locateKeyValue(reader, row.start + keyBytes, valueBytes);
    const name = `the row of revision ${main}.${sub}`;
    if (value === undefined) throw pageFault(page.page, `${name} holds no KeyValue`, { main });
    // A revision bump at a restore leaves one row without any value.
    if (!tombstone && valueBytes > 0 && value.modRevision !== main) {
      const reason = `${name} holds a KeyValue of revision ${value.modRevision}`;
      throw pageFault(page.page, reason, { main });
    }
    fingerprintKey(reader, value, scan.fingerprint);
  }

  /** Only where the length of the data tells the number of pages, as bbolt writes it. */
  #record(page: Page, found: { crc: number; bytes: number; place: number }): void {
    const { pageSize } = this.#keyspace.geometry;
    const used = pageHeaderBytes + page.count * elementBytes + found.bytes;
    const sparePages = page.overflow + 1 - Math.ceil(used / pageSize);
    if (found.bytes >= maxFactBytes || sparePages > 1) {
      this.#facts.putRows(page.page, page.count, found.place);
      return;
    }
    const hasSparePage = sparePages === 1;
    const facts = { ...found, rows: page.count, first: 0, last: unpackable, hasSparePage };
    this.#facts.put(page.page, facts);
  }
}
