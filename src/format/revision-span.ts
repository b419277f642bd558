/**
 * The first and the last revision of a page in 8 bytes: a fingerprint of the first, and the packed
 * distance to the last. The separators of the tree give the full numbers back; where the packed
 * form cannot decide, the page is read again.
 */
import { revisionBytes, separatorByte, tombstoneByte, tombstoneBytes } from './revision-key.ts';

// Enough for the largest transaction of an etcd as it is shipped (--max-txn-ops 128): a page that
// holds the end of a larger one is read again.
const subBits = 8;
const subLimit = 2 ** subBits - 1;
const mainLimit = 2 ** (32 - subBits) - 1;
/** The distance does not fit. */
export const unpackable = 0xffff_ffff;
// Main revisions are compared as numbers; beyond this the bigint way is taken.
export const largestHigh = 0x1f_ffff;

/** Reused for every separator of a walk, so that a million of them are no garbage. */
export interface RevisionParts {
  main: number;
  sub: number;
  tombstone: boolean;
}

export function fingerprintRevision(main: number, sub: number, tombstone: boolean): number {
  let mixed = Math.imul(main | 0, 0x9e3779b1) ^ Math.floor(main / 2 ** 32);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b) + sub;
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) + (tombstone ? 1 : 0);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x27d4eb2f);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

export function packLast(mainDistance: number, sub: number): number {
  if (mainDistance >= mainLimit || sub >= subLimit) return unpackable;
  return ((mainDistance << subBits) | sub) >>> 0;
}

/** Whether a page that begins at `lower` and ends `last` behind it lies wholly below `upper`. */
export function endsBelow(lower: RevisionParts, last: number, upper: RevisionParts): boolean {
  if (last === unpackable) return false;
  const main = lower.main + (last >>> subBits);
  if (main !== upper.main) return main < upper.main;
  return (last & subLimit) < upper.sub;
}

/** False when the key is no revision, or one with numbers too large for this form. */
export function parseRevision(key: Uint8Array, into: RevisionParts): boolean {
  if (key.length !== revisionBytes && key.length !== tombstoneBytes) return false;
  if (key[8] !== separatorByte) return false;
  into.tombstone = key.length === tombstoneBytes;
  if (into.tombstone && key[17] !== tombstoneByte) return false;
  if (word(key, 0) > largestHigh || word(key, 9) !== 0) return false;
  into.main = word(key, 0) * 2 ** 32 + word(key, 4);
  into.sub = word(key, 13);
  return true;
}

function word(bytes: Uint8Array, at: number): number {
  const [a, b, c, d] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]] as number[];
  return (
    (((a as number) << 24) | ((b as number) << 16) | ((c as number) << 8) | (d as number)) >>> 0
  );
}
