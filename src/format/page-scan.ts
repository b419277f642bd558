/**
 * The pages of a database in file order, as they come: judged once each, while their bytes are in
 * sight anyway. Nothing here is an error, because nothing here knows what is reachable.
 */
import { KeptBranches } from './kept-branches.ts';
import { KeyFingerprint } from './key-fingerprint.ts';
import { type Geometry, leafFlag } from './page.ts';
import { PageFacts } from './page-facts.ts';
import { RowLog } from './row-log.ts';
import { RowPageJudge, type Sight } from './row-page.ts';

// Enough for all of a database of 1.5 GiB.
const branchLimitBytes = 4 * 1024 * 1024;

export class PageScan {
  readonly geometry: Geometry;
  readonly facts = new PageFacts();
  readonly fingerprint = new KeyFingerprint();
  readonly judge = new RowPageJudge(this.fingerprint);
  readonly log: RowLog;
  readonly branches: KeptBranches;
  #next = 2;
  #coveredTo = 0;

  constructor(geometry: Geometry, rowLimit: number) {
    this.geometry = geometry;
    this.log = new RowLog(rowLimit);
    this.branches = new KeptBranches(geometry.pageSize, branchLimitBytes);
  }

  /**
   * Judges what lies whole in the `filled` bytes of `sight`, which begin at `start` of the file.
   * Returns the position of the first byte that is still wanted.
   */
  take(sight: Sight, start: number, filled: number): number {
    const { pageSize } = this.geometry;
    const into = { facts: this.facts, log: this.log, pageSize };
    for (; ; this.#next++) {
      const page = this.#next;
      const at = page * pageSize - start;
      if (at + pageSize > filled) break;
      if (at < 0) continue;
      this.branches.take(sight, at, page);
      const extentBytes = this.#extentBytes(sight.view, at, page);
      if (extentBytes === 0 || extentBytes > sight.bytes.length) continue;
      if (at + extentBytes > filled) break;
      this.judge.judge(sight, { at, page, extentBytes }, into);
      if (extentBytes > pageSize) this.#coveredTo = page + extentBytes / pageSize;
    }
    return Math.max(start, Math.min(this.#next * pageSize, start + filled));
  }

  /** Size of what begins here if it may be a leaf, else 0. */
  #extentBytes(view: DataView, at: number, page: number): number {
    if (view.getUint16(at + 8, true) !== leafFlag) return 0;
    if (view.getUint32(at, true) !== page || view.getUint32(at + 4, true) !== 0) return 0;
    const overflow = view.getUint32(at + 12, true);
    if (overflow === 0) return this.geometry.pageSize;
    if (page + overflow >= this.geometry.pageCount) return 0;
    // Stale headers may claim each other's pages; looking at every claim could take for ever. The
    // few that turn out to be reachable are read by the walk.
    if (page < this.#coveredTo) return 0;
    return (overflow + 1) * this.geometry.pageSize;
  }
}
