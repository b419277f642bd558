/**
 * HashKV: the content hash that etcd members can be asked for, computed from the file. Equal to a
 * member's answer for the same revision and the same compact revision, whatever the history.
 */
import { Failure } from '../core/errors.ts';
import { BitSet } from './bit-set.ts';
import { Crc32cJoin, crc32c } from './crc32c.ts';
import type { Keyspace, RowRange } from './keyspace.ts';
import { newestRows } from './newest-rows.ts';
import { tombstoneMark } from './row-page.ts';

export interface HashPoint {
  readonly revision: bigint;
  /** The compaction that the member computed its hash with; null when it never compacted. */
  readonly compactRevision: bigint | null;
}

/** Throws `revision-unavailable` when the file cannot know the hash at that point. */
export function hashKv(keyspace: Keyspace, point: HashPoint): number {
  checkPoint(keyspace, point);
  const range = {
    visible: keyspace.countRowsThrough(point.revision),
    compacted: keyspace.countRowsThrough(point.compactRevision ?? -1n),
  };
  return hashRows(keyspace, range, findSkipped(keyspace, point, range));
}

function checkPoint(keyspace: Keyspace, { revision, compactRevision }: HashPoint): void {
  const own = keyspace.compactRevision;
  const context = { revision, compactRevision, currentRevision: keyspace.currentRevision };
  const refuse = (reason: string): Failure =>
    new Failure('revision-unavailable', `no content hash at revision ${revision}: ${reason}`, {
      context,
      hint: 'Ask for a revision between the compact revision and the newest one of the file.',
    });
  if (revision > keyspace.currentRevision) {
    throw refuse(`the file ends at revision ${keyspace.currentRevision}`);
  }
  if (compactRevision !== null && revision < compactRevision) {
    throw refuse(`it is below the compact revision ${compactRevision}`);
  }
  if (own !== null && (compactRevision === null || compactRevision < own)) {
    throw refuse(`the file is compacted at ${own}, the hash was asked for ${compactRevision}`);
  }
}

function findSkipped(keyspace: Keyspace, point: HashPoint, range: RowRange): BitSet {
  if (range.compacted === 0) return new BitSet(0);
  const { liveKeys, outdated } = newestRows(keyspace, range);
  if (liveKeys > 0) return outdated;
  // A member that has no live key at that revision skips nothing but the tombstones of the
  // compaction itself.
  const before = keyspace.countRowsThrough((point.compactRevision ?? 0n) - 1n);
  return findTombstones(keyspace, before, range.compacted);
}

function findTombstones(keyspace: Keyspace, start: number, end: number): BitSet {
  const found = new BitSet(end);
  let leafStart = 0;
  for (let leaf = 0; leaf < keyspace.leaves.length && leafStart < end; leaf++) {
    const leafEnd = leafStart + keyspace.rowsOf(leaf);
    const { words, first } = leafEnd > start ? keyspace.wordsOf(leaf) : noWords;
    for (let row = Math.max(start, leafStart); row < Math.min(end, leafEnd); row++) {
      const low = words[first + (row - leafStart) * 2] as number;
      if ((low & tombstoneMark) !== 0) found.add(row);
    }
    leafStart = leafEnd;
  }
  return found;
}

const noWords = { words: new Uint32Array(0), first: 0 };

function hashRows(keyspace: Keyspace, range: RowRange, skipped: BitSet): number {
  const { facts } = keyspace.scan;
  const crcs = new Crc32cJoin();
  let sum = crc32c(new TextEncoder().encode('key'));
  let start = 0;
  for (let leaf = 0; leaf < keyspace.leaves.length && start < range.visible; leaf++) {
    const page = keyspace.leaves.at(leaf);
    const end = start + facts.rows(page);
    const keepsAll = end <= range.visible && !hasSkipped(skipped, range, start, end);
    if (keepsAll && facts.isSummed(page)) {
      sum = crcs.join(sum, facts.crc(page), facts.bytes(page));
    } else {
      sum = hashSomeRows(keyspace, { leaf, start, end: range.visible, skipped, range }, sum);
    }
    start = end;
  }
  return sum;
}

function hasSkipped(skipped: BitSet, range: RowRange, start: number, end: number): boolean {
  return skipped.hasAny(start, Math.min(end, range.compacted));
}

function hashSomeRows(
  keyspace: Keyspace,
  part: { leaf: number; start: number; end: number; skipped: BitSet; range: RowRange },
  before: number,
): number {
  let sum = before;
  let number = part.start;
  for (const row of keyspace.rowsFrom(part.leaf)) {
    if (number >= part.end) break;
    if (number >= part.range.compacted || !part.skipped.has(number)) {
      sum = keyspace.reader.crc(row.start, row.bytes, sum);
    }
    number++;
  }
  return sum;
}
