/** Databases of every shape that bbolt writes, made from what a property test draws. */
import fc from 'fast-check';
import { type TestBucket, type TestPair, writeBbolt } from '../../support/bbolt.ts';
import { clusterBuckets } from './cluster-bytes.ts';
import { historyOf, pairsOf } from './history.ts';

type Content = Record<string, readonly TestPair[]>;

/** A bucket of any shape that bbolt writes; undefined for one that is not there. */
function shaped(pairs: fc.Arbitrary<TestPair[]>): fc.Arbitrary<TestBucket | undefined> {
  const shape = {
    pairs,
    pairsPerLeaf: fc.integer({ min: 1, max: 12 }),
    childrenPerBranch: fc.integer({ min: 2, max: 5 }),
  };
  const whole = fc.record(shape, { requiredKeys: ['pairs', 'childrenPerBranch'] });
  const small = fc.record({ pairs: fc.constant([]), inline: fc.boolean() });
  return fc.oneof({ weight: 6, arbitrary: whole }, small, fc.constant(undefined));
}

const rows = fc
  .array(fc.oneof(fc.nat(60), fc.integer({ min: 900, max: 5000 })), { maxLength: 40 })
  .map((sizes) => {
    const puts = sizes.map((size, at) => [{ put: `key-${at % 7}`, value: 'v'.repeat(size) }]);
    return pairsOf(historyOf(puts));
  });

export const names = fc
  .uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }), fc.nat(1500)), {
    selector: ([name]) => name,
    maxLength: 40,
  })
  .map((all) =>
    all
      .map(([name, size]): [Buffer, Buffer] => [Buffer.from(name), Buffer.alloc(size, 'x')])
      .sort(([a], [b]) => Buffer.compare(a, b)),
  );

const layout = fc.record({
  pageSize: fc.constantFrom(1024, 2048, 4096),
  txid: fc.bigInt({ min: 2n, max: 2n ** 62n }),
  shuffleSeed: fc.nat(),
  storedFreelist: fc.boolean(),
  spareOverflow: fc.boolean(),
  branchAtRoot: fc.boolean(),
});

export const given = fc.record({ key: shaped(rows), authUsers: shaped(names), options: layout });

export type Start = typeof given extends fc.Arbitrary<infer T> ? T : never;

/** The file, and the pairs of each of its buckets. */
export function made({ key, authUsers, options }: Start) {
  const { authUsers: _, ...others } = clusterBuckets();
  const buckets = {
    ...others,
    ...(key === undefined ? {} : { key }),
    ...(authUsers === undefined ? {} : { authUsers }),
  };
  const content: Content = Object.fromEntries(
    Object.entries(buckets).map(([name, of]) => [name, 'pairs' in of ? of.pairs : of]),
  );
  return { file: writeBbolt(buckets, options), content };
}

/** To be filled: no rows, no users, pages of the usual size. */
export const plain = { key: undefined, authUsers: undefined, options: {} } as never as Start;
