/** Whatever the bytes are, they are sound or corrupt: never another error, never without an end. */
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { hashKv } from '../../../src/format/hash-kv.ts';
import { inspectSnapshot } from '../../../src/format/inspect-snapshot.ts';
import { memorySource } from '../../support/bbolt.ts';
import { listed, sound } from './damages.ts';

/** Sound or corrupt, never anything else; and what is sound can be hashed. */
function judge(bytes: Uint8Array): void {
  try {
    const options = { rowLimit: 0, windowBytes: 1 };
    const { facts, keyspace } = inspectSnapshot(memorySource(bytes), options);
    const compactRevision = facts.compactRevision ?? 20n;
    if (facts.currentRevision < compactRevision) return;
    hashKv(keyspace, { revision: facts.currentRevision, compactRevision });
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code !== 'snapshot-corrupt') throw thrown;
  }
}

describe('fuzz', () => {
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 12 });
  const heads = fc.array(fc.tuple(fc.nat(), fc.nat(600), fc.nat(255)), {
    minLength: 1,
    maxLength: 6,
  });

  test.each([['stored', listed] as const, ['not stored', sound] as const])(
    'flipped bits, free list %s',
    (_name, made) => {
      fc.assert(
        fc.property(flips, (changes) => {
          const bytes = made.bytes.slice();
          for (const [at, mask] of changes) {
            const place = at % bytes.length;
            bytes[place] = (bytes[place] as number) ^ mask;
          }
          judge(bytes);
        }),
        { numRuns: 250 },
      );
    },
  );

  test('changed heads of pages, where the structure is', () => {
    fc.assert(
      fc.property(heads, (changes) => {
        const bytes = sound.bytes.slice();
        const pages = bytes.length / 4096;
        for (const [page, offset, value] of changes) {
          bytes[(2 + (page % (pages - 2))) * 4096 + offset] = value;
        }
        judge(bytes);
      }),
      { numRuns: 400 },
    );
  });

  test('pages of noise and pages in each other’s places', () => {
    const pages = sound.bytes.length / 4096;
    const moves = fc.array(fc.tuple(fc.nat(pages - 1), fc.nat(pages - 1), fc.boolean()), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(moves, fc.uint8Array({ minLength: 4096, maxLength: 4096 }), (changes, noise) => {
        const bytes = sound.bytes.slice();
        for (const [from, to, noisy] of changes) {
          bytes.set(noisy ? noise : bytes.slice(from * 4096, (from + 1) * 4096), to * 4096);
        }
        judge(bytes);
      }),
      { numRuns: 100 },
    );
  });
});
