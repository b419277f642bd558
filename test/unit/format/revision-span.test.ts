import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  endsBelow,
  fingerprintRevision,
  packLast,
  parseRevision,
  unpackable,
} from '../../../src/format/revision-span.ts';
import { revisionKey } from './history.ts';

const mains = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 2 ** 52 }));
const distances = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 2 ** 27 }));
const subs = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }));

test('a page ends below the next only if its last revision does', () => {
  const property = fc.property(
    mains,
    distances,
    subs,
    distances,
    subs,
    (main, distance, sub, upperDistance, upperSub) => {
      const lower = { main, sub: 0, tombstone: false };
      const upper = { main: main + upperDistance, sub: upperSub, tombstone: false };
      const last = packLast(distance, sub);
      const isBelow = distance < upperDistance || (distance === upperDistance && sub < upperSub);

      expect(endsBelow(lower, last, upper)).toBe(last !== unpackable && isBelow);
    },
  );

  fc.assert(property, { numRuns: 2000 });
});

test('distances that do not fit are not packed', () => {
  expect(packLast(2 ** 24 - 2, 254)).not.toBe(unpackable);
  expect(packLast(2 ** 24 - 1, 0)).toBe(unpackable);
  expect(packLast(0, 255)).toBe(unpackable);
});

test('a revision is parsed as it was written', () => {
  fc.assert(
    fc.property(mains, subs, fc.boolean(), (main, sub, tombstone) => {
      const into = { main: 0, sub: 0, tombstone: false };
      expect(parseRevision(revisionKey(BigInt(main), BigInt(sub), tombstone), into)).toBe(true);
      expect(into).toEqual({ main, sub, tombstone });
    }),
  );
});

test.each([
  ['another length', Buffer.alloc(16)],
  ['no separator', Buffer.alloc(17)],
  ['another mark', Buffer.concat([revisionKey(1n, 1n), Buffer.from('x')])],
  ['a main beyond 2^53', revisionKey(2n ** 53n, 0n)],
  ['a sub beyond 2^32', revisionKey(1n, 2n ** 32n)],
])('a key with %s is left to the exact way', (_, key) => {
  expect(parseRevision(key, { main: 0, sub: 0, tombstone: false })).toBe(false);
});

test('fingerprints tell revisions apart in every part', () => {
  const seen = new Set<number>();
  for (const main of [5, 6, 5 + 2 ** 32, 5 + 2 ** 33]) {
    for (const sub of [0, 1, 2]) {
      for (const tombstone of [false, true]) seen.add(fingerprintRevision(main, sub, tombstone));
    }
  }

  expect(seen.size).toBe(24);
});
