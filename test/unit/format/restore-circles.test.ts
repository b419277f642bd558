/** Damage that leads in circles or out of the file must end in our error, and end at all. */
import { expect, test } from 'vitest';
import { PageAppender } from '../../../src/format/append-pages.ts';
import { memorySource, writeBbolt } from '../../support/bbolt.ts';
import { clusterBuckets } from './cluster-bytes.ts';
import { historyOf, pairsOf, revisionKey } from './history.ts';

const pageSize = 1024;
const puts = Array.from({ length: 100 }, (_, at) => [{ put: `key-${at}`, value: 'v'.repeat(90) }]);

function made() {
  const key = { pairs: pairsOf(historyOf(puts)), pairsPerLeaf: 4, childrenPerBranch: 4 };
  const file = writeBbolt({ ...clusterBuckets(), key }, { pageSize });
  const root = file.branches['key']?.at(-1) ?? 0;
  const pairAt = (index: number): number => root * pageSize + 16 + index * 16;
  return { bytes: file.bytes, root, pairAt, pairs: file.bytes.readUInt16LE(root * pageSize + 10) };
}

const appender = (bytes: Uint8Array) => new PageAppender(memorySource(bytes), bytes.length);
const corrupt = expect.objectContaining({ code: 'snapshot-corrupt' });
const last = { key: revisionKey(10_000n, 0n), value: Buffer.alloc(0) };

test.each<[string, (file: PageAppender) => unknown]>([
  ['reading all pairs', (file) => file.pairs('key')],
  ['adding a pair', (file) => file.addLast('key', last)],
  ['reading the last key', (file) => file.lastKey('key')],
])('a root that is its own last child ends %s', (_, act) => {
  const { bytes, root, pairAt, pairs } = made();
  bytes.writeBigUInt64LE(BigInt(root), pairAt(pairs - 1) + 8);

  expect(() => act(appender(bytes))).toThrow(corrupt);
});

test('a child beyond the file is not carried into a new branch', () => {
  const { bytes, pairAt } = made();
  bytes.writeBigUInt64LE(2n ** 64n - 1n, pairAt(0) + 8);

  expect(() => appender(bytes).addLast('key', last)).toThrow(corrupt);
});
