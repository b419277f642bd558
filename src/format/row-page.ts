/**
 * The quick judgement of one page in file order. It says yes only to a leaf of plain revision rows
 * written the way bbolt and etcd write them, and then it has checked everything there is to check.
 * Anything else is left for the exact walk, which knows what is reachable and names the fault:
 * a free page may hold any bytes at all and must never cost more than a look.
 */
import { crc32c } from './crc32c.ts';
import { type KeyFingerprint, longKeyBytes } from './key-fingerprint.ts';
import { elementBytes, pageHeaderBytes } from './page.ts';
import { maxFactBytes, type PageFacts } from './page-facts.ts';
import { revisionBytes, separatorByte, tombstoneByte, tombstoneBytes } from './revision-key.ts';
import { fingerprintRevision, largestHigh, packLast } from './revision-span.ts';
import { notLogged, type RowLog } from './row-log.ts';

/** Bytes of the file, and the position in them that is asked about. */
export interface Sight {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Low bits of a logged row. */
export const tombstoneMark = 1;
export const takenMark = 2;

export class RowPageJudge {
  readonly #fingerprint: KeyFingerprint;
  // Of the row that was read last: fields instead of results, because a million rows pass here.
  #main = 0;
  #sub = 0;
  #tombstone = false;
  #firstMain = 0;
  #first = 0;

  constructor(fingerprint: KeyFingerprint) {
    this.#fingerprint = fingerprint;
  }

  /**
   * Puts the facts of the page at `at` (all `extentBytes` of it in sight) and the rows into the
   * log. Returns whether it is such a page.
   */
  judge(
    sight: Sight,
    place: { readonly at: number; readonly page: number; readonly extentBytes: number },
    into: { readonly facts: PageFacts; readonly log: RowLog; readonly pageSize: number },
  ): boolean {
    const { bytes, view } = sight;
    const { at, page, extentBytes } = place;
    const rows = view.getUint16(at + 10, true);
    const dataStart = at + pageHeaderBytes + rows * elementBytes;
    const limit = at + extentBytes;
    if (rows === 0 || dataStart >= limit) return false;
    const logged = into.log.place(rows);
    const end = this.#rows(view, { at, rows, dataStart, limit }, into.log, logged);
    if (end < 0 || end - dataStart >= maxFactBytes) return false;
    const spareBytes = extentBytes - Math.ceil((end - at) / into.pageSize) * into.pageSize;
    if (spareBytes > into.pageSize) return false;
    if (logged !== notLogged) into.log.keep(rows);
    into.facts.put(page, {
      rows,
      crc: crc32c(bytes.subarray(dataStart, end)),
      bytes: end - dataStart,
      first: this.#first,
      last: packLast(this.#main - this.#firstMain, this.#sub),
      place: logged,
      hasSparePage: spareBytes > 0,
    });
    return true;
  }

  /**
   * The rows of a page that passed the judgement before, once more. Returns whether it still does.
   */
  reread(sight: Sight, rows: number, log: RowLog): boolean {
    const dataStart = pageHeaderBytes + rows * elementBytes;
    const limit = sight.bytes.length;
    if (sight.view.getUint16(10, true) !== rows || dataStart >= limit) return false;
    return this.#rows(sight.view, { at: 0, rows, dataStart, limit }, log, log.place(rows)) > 0;
  }

  /** Where the data ends, or -1 when a row is not as it should be. */
  #rows(
    view: DataView,
    page: { at: number; rows: number; dataStart: number; limit: number },
    log: RowLog,
    logged: number,
  ): number {
    const words = logged === notLogged ? undefined : log.wordsOf(logged);
    let word = log.offsetOf(logged) * 2;
    let cursor = page.dataStart;
    let element = page.at + pageHeaderBytes;
    for (let index = 0; index < page.rows; index++, element += elementBytes) {
      const keyBytes = view.getUint32(element + 8, true);
      const valueStart = cursor + keyBytes;
      const end = valueStart + view.getUint32(element + 12, true);
      if (view.getUint32(element, true) !== 0) return -1;
      if (element + view.getUint32(element + 4, true) !== cursor) return -1;
      if (end > page.limit) return -1;
      const beforeMain = this.#main;
      const beforeSub = this.#sub;
      if (!this.#revision(view, cursor, keyBytes)) return -1;
      if (index === 0) {
        this.#firstMain = this.#main;
        this.#first = fingerprintRevision(this.#main, this.#sub, this.#tombstone);
      } else if (this.#main < beforeMain || (this.#main === beforeMain && this.#sub <= beforeSub)) {
        return -1;
      }
      if (!this.#keyValue(view, valueStart, end)) return -1;
      if (words !== undefined) {
        words[word++] = this.#fingerprint.low | takenMark | (this.#tombstone ? tombstoneMark : 0);
        words[word++] = this.#fingerprint.high;
      }
      cursor = end;
    }
    return cursor;
  }

  #revision(view: DataView, at: number, keyBytes: number): boolean {
    if (keyBytes !== revisionBytes && keyBytes !== tombstoneBytes) return false;
    this.#tombstone = keyBytes === tombstoneBytes;
    if (this.#tombstone && view.getUint8(at + 17) !== tombstoneByte) return false;
    if (view.getUint8(at + 8) !== separatorByte) return false;
    const high = view.getUint32(at);
    if (high > largestHigh || view.getUint32(at + 9) !== 0) return false;
    this.#main = high * 2 ** 32 + view.getUint32(at + 4);
    this.#sub = view.getUint32(at + 13);
    return true;
  }

  /** mvccpb.KeyValue as etcd writes it: fields in order, each at most once, to the last byte. */
  #keyValue(view: DataView, start: number, end: number): boolean {
    if (start + 2 > end || view.getUint8(start) !== 0x0a) return false;
    const keyStart = start + 1 + varintBytes(view, start + 1, end);
    const keyBytes = varintBefore(view, start + 1, keyStart);
    let at = keyStart + keyBytes;
    if (at > end || keyBytes === 0 || keyBytes > longKeyBytes) return false;
    this.#fingerprint.take(view, keyStart, keyBytes);
    if (this.#tombstone) return at === end;
    if (at >= end || view.getUint8(at) !== 0x10) return false;
    at += 1 + varintBytes(view, at + 1, end);
    if (at >= end || view.getUint8(at) !== 0x18) return false;
    const modEnd = at + 1 + varintBytes(view, at + 1, end);
    if (varintBefore(view, at + 1, modEnd) !== this.#main) return false;
    at = modEnd;
    if (at >= end || view.getUint8(at) !== 0x20) return false;
    at += 1 + varintBytes(view, at + 1, end);
    if (at < end && view.getUint8(at) === 0x2a) {
      const valueStart = at + 1 + varintBytes(view, at + 1, end);
      at = valueStart + varintBefore(view, at + 1, valueStart);
    }
    if (at < end && view.getUint8(at) === 0x30) at += 1 + varintBytes(view, at + 1, end);
    return at === end;
  }
}

/** How long the varint is; so long that nothing can end there when it does not end before `end`. */
function varintBytes(view: DataView, start: number, end: number): number {
  const last = Math.min(end, start + 10);
  for (let at = start; at < last; at++) {
    if (view.getUint8(at) < 0x80) return at + 1 - start;
  }
  return Number.POSITIVE_INFINITY;
}

/** Its value; exact below 2^53, and never below 2^53 when it is not. */
function varintBefore(view: DataView, start: number, end: number): number {
  if (end === Number.POSITIVE_INFINITY) return end;
  let value = 0;
  for (let at = end - 1; at >= start; at--) value = value * 128 + (view.getUint8(at) & 0x7f);
  return value;
}
