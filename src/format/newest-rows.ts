/**
 * Which rows are the newest of their user key. Walks the rows from the last to the first: a key met
 * for the first time is met in its newest row, and every further row of it is an old one.
 */

import { Failure } from '../core/errors.ts';
import { BitSet } from './bit-set.ts';
import type { KeyTable } from './key-table.ts';
import type { Keyspace, NewestRows, RowRange } from './keyspace.ts';
import { tombstoneMark } from './row-page.ts';

const wholeRange = 2 ** 32;

/** The newest rows of a range; asked for the same range again, the answer is there already. */
export function newestRows(keyspace: Keyspace, range: RowRange): NewestRows {
  const known = keyspace.newest;
  if (known?.range.visible === range.visible && known.range.compacted === range.compacted) {
    return known;
  }
  keyspace.newest = { range, ...findNewestRows(keyspace, range) };
  return keyspace.newest;
}

function findNewestRows(keyspace: Keyspace, range: RowRange): Omit<NewestRows, 'range'> {
  const outdated = new BitSet(range.compacted);
  const { table } = keyspace;
  let liveKeys = 0;
  for (let start = 0; start < wholeRange; ) {
    table.clear();
    const end = passOverRows(keyspace, range, { table, start, outdated });
    liveKeys += table.live;
    start = end;
  }
  return { liveKeys, outdated };
}

/**
 * Counts the keys whose fingerprint begins at `start`, up to where the table has room. Returns the
 * end of the range that was counted; rows beyond it were judged rightly as long as they counted.
 */
function passOverRows(
  keyspace: Keyspace,
  range: RowRange,
  pass: { readonly table: KeyTable; readonly start: number; readonly outdated: BitSet },
): number {
  const { table, start, outdated } = pass;
  let end = wholeRange;
  let leafEnd = keyspace.totalRows;
  for (let leaf = keyspace.leaves.length - 1; leaf >= 0; leaf--) {
    const leafStart = leafEnd - keyspace.rowsOf(leaf);
    const last = Math.min(leafEnd, range.visible) - 1;
    leafEnd = leafStart;
    if (last < leafStart) continue;
    const { words, first } = keyspace.wordsOf(leaf);
    for (let row = last; row >= leafStart; row--) {
      const word = first + (row - leafStart) * 2;
      const low = words[word] as number;
      const high = words[word + 1] as number;
      if (high < start || high >= end) continue;
      if (table.isFull && !table.has(low, high)) {
        end = narrow(table, start, end);
        if (high >= end) continue;
      }
      const isOld = table.add(low, high);
      if (row < range.compacted && (isOld || (low & tombstoneMark) !== 0)) outdated.add(row);
    }
  }
  return end;
}

function narrow(table: KeyTable, start: number, before: number): number {
  let end = before;
  while (table.isFull) {
    if (end - start <= 1) throw new Failure('internal', 'too many keys share a fingerprint');
    end = start + Math.ceil((end - start) / 2);
    table.dropFrom(end);
  }
  return end;
}
