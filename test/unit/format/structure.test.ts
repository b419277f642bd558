/** Rules of the tree that a damaged byte seldom breaks, each broken on purpose. */
import { describe, expect, test } from 'vitest';
import { hashKv } from '../../../src/format/hash-kv.ts';
import { inspectSnapshot } from '../../../src/format/inspect-snapshot.ts';
import { memorySource, type TestFile, type TestPair, writeBbolt } from '../../support/bbolt.ts';
import { branchPage, leafBytes, leafPage } from '../../support/bbolt-pages.ts';
import { clusterBuckets } from './cluster-bytes.ts';
import { hashKvOf, historyOf, pairsOf, revisionKey } from './history.ts';

const history = historyOf(
  Array.from({ length: 200 }, (_, at) => [{ put: `key-${at}`, value: 'v'.repeat(100) }]),
);
const rows = pairsOf(history);

function refused(bytes: Uint8Array, reason: string): void {
  const act = () => inspectSnapshot(memorySource(bytes));
  expect(act).toThrow(expect.objectContaining({ code: 'snapshot-corrupt' }));
  expect(act).toThrow(reason);
}

function elementOf(file: TestFile, page: number, index: number): number {
  return page * file.pageSize + 16 + index * 16;
}

/** Where the header of a bucket with pages of its own lies in the root page. */
function bucketHeader(file: TestFile, name: string): number {
  const count = file.bytes.readUInt16LE(file.rootPage * file.pageSize + 10);
  for (let index = 0; index < count; index++) {
    const element = elementOf(file, file.rootPage, index);
    const key = element + file.bytes.readUInt32LE(element + 4);
    const end = key + file.bytes.readUInt32LE(element + 8);
    if (file.bytes.toString('utf8', key, end) === name) return end;
  }
  throw new Error(`no bucket ${name}`);
}

/** `levels` branches with one child each, above the tree of the bucket `key`. */
function tower(levels: number): Buffer {
  const firstKey = history[0]?.key as Buffer;
  const freePages = Array.from({ length: levels }, (_, level) => (page: number) => {
    const child = level === levels - 1 ? 0 : page + 1;
    return Buffer.concat([branchPage(page, [{ key: firstKey, page: child }], 0)], 4096);
  });
  const file = writeBbolt({ ...clusterBuckets(), key: rows }, { freePages });
  const header = bucketHeader(file, 'key');
  const root = file.bytes.readBigUInt64LE(header);
  file.bytes.writeBigUInt64LE(root, elementOf(file, file.freePages.at(-1) as number, 0) + 8);
  file.bytes.writeBigUInt64LE(BigInt(file.freePages[0] as number), header);
  return file.bytes;
}

test('a tree of forty levels is read', () => {
  expect(inspectSnapshot(memorySource(tower(40))).facts.keys).toBe(200);
});

test('a tree deeper than any is refused', () => {
  refused(tower(60), 'lies deeper than 48 levels');
});

describe('order over the border of two pages', () => {
  const names: TestPair[] = ['a', 'b', 'b', 'c'].map((name) => [name, 'x'.repeat(900)]);

  test('a key that is on both pages belongs to the right one', () => {
    const authUsers = { pairs: names, pairsPerLeaf: 2 };
    const { bytes } = writeBbolt({ ...clusterBuckets(), key: rows, authUsers });

    refused(bytes, 'the key of element 1 belongs to a page further right');
  });

  test('so does a row', () => {
    const pairs = [...rows.slice(0, 20), rows[19] as TestPair, ...rows.slice(20)];
    const { bytes } = writeBbolt({ ...clusterBuckets(), key: { pairs, pairsPerLeaf: 20 } });

    refused(bytes, 'the key of element 19 belongs to a page further right');
  });

  test('rows of one transaction on two pages are in order', () => {
    const transactions = Array.from({ length: 5 }, () =>
      Array.from({ length: 300 }, (_, sub) => ({ put: `key-${sub}`, value: 'v' })),
    );
    const pairs = pairsOf(historyOf(transactions));
    const { bytes } = writeBbolt({ ...clusterBuckets(), key: { pairs, pairsPerLeaf: 7 } });

    expect(inspectSnapshot(memorySource(bytes)).facts.keys).toBe(300);
  });

  test('a page swapped with one of the same transaction is out of order', () => {
    const transaction = Array.from({ length: 300 }, (_, sub) => ({
      put: `key-${sub}`,
      value: 'v',
    }));
    const pairs = pairsOf(historyOf([transaction]));
    const file = writeBbolt({ ...clusterBuckets(), key: { pairs, pairsPerLeaf: 7 } });
    const branch = file.branches.key?.[0] as number;
    const [left, right] = [elementOf(file, branch, 3) + 8, elementOf(file, branch, 4) + 8];
    const [a, b] = [file.bytes.readBigUInt64LE(left), file.bytes.readBigUInt64LE(right)];
    file.bytes.writeBigUInt64LE(b, left);
    file.bytes.writeBigUInt64LE(a, right);

    refused(file.bytes, 'belongs to a page further right');
  });
});

describe('inside a page', () => {
  test('a value that reaches over the next pair overlaps it', () => {
    const pairs: TestPair[] = ['a', 'b', 'c'].map((name) => [name, 'x'.repeat(600)]);
    const file = writeBbolt({ ...clusterBuckets(), authUsers: pairs }, { pageSize: 2048 });
    const element = elementOf(file, file.leaves.authUsers?.[0] as number, 0);
    file.bytes.writeUInt32LE(1500, element + 12);

    refused(file.bytes, 'overlaps another');
  });

  test('a key longer than bbolt takes is damage', () => {
    const pairs: TestPair[] = [['k'.repeat(32_769), 'x']];

    refused(writeBbolt({ ...clusterBuckets(), authUsers: pairs }).bytes, 'a key of 32769 bytes');
  });

  test('the longest key that bbolt takes is none', () => {
    const pairs: TestPair[] = [['k'.repeat(32_768), 'x']];
    const { bytes } = writeBbolt({ ...clusterBuckets(), key: [], authUsers: pairs });

    expect(inspectSnapshot(memorySource(bytes)).facts.auth.users[0]).toHaveLength(32_768);
  });

  test('children that share the bytes of their keys overlap', () => {
    const pairs = { pairs: rows, pairsPerLeaf: 2 };
    const file = writeBbolt({ ...clusterBuckets(), key: pairs });
    const branch = file.branches.key?.[0] as number;
    file.bytes.writeUInt32LE(3000, elementOf(file, branch, 0) + 4);
    file.bytes.writeUInt32LE(3000, elementOf(file, branch, 1) + 4);

    refused(file.bytes, `page ${branch}: element 1 overlaps another`);
  });

  test('a branch of more bytes than any is refused', () => {
    const children = [{ key: history[0]?.key as Buffer, page: 2 }];
    const large = (page: number) => Buffer.concat([branchPage(page, children, 64)], 65 * 4096);
    const file = writeBbolt({ ...clusterBuckets(), key: rows }, { freePages: [large] });
    const page = file.freePages[0] as number;
    file.bytes.writeBigUInt64LE(BigInt(page), bucketHeader(file, 'key'));

    refused(file.bytes, `page ${page}: is a branch of 266240 bytes`);
  });

  test('a branch begins where its parent says', () => {
    const key = { pairs: rows, pairsPerLeaf: 4, childrenPerBranch: 5 };
    const file = writeBbolt({ ...clusterBuckets(), key });
    const branch = file.branches.key?.[3] as number;
    const element = elementOf(file, branch, 0);
    file.bytes.writeUInt8(2, element + file.bytes.readUInt32LE(element) + 7);

    refused(file.bytes, `page ${branch}: the first key is smaller than the key that leads`);
  });
});

describe('a leaf whose first key is not the one that leads to it', () => {
  const key = { pairs: rows, pairsPerLeaf: 8, childrenPerBranch: 100 };

  /** The same tree, with another separator before its fourth leaf. */
  function led(main: bigint, sub: bigint): Buffer {
    const file = writeBbolt({ ...clusterBuckets(), key });
    const element = elementOf(file, file.branches.key?.[0] as number, 3);
    revisionKey(main, sub).copy(file.bytes, element + file.bytes.readUInt32LE(element));
    return file.bytes;
  }

  test('is sound when the key is larger', () => {
    expect(inspectSnapshot(memorySource(led(25n, 1n))).facts.keys).toBe(200);
  });

  test('is damaged when the key is smaller', () => {
    refused(led(26n, 1n), 'the first key is smaller than the key that leads to the page');
  });
});

describe('a leaf with pages to spare', () => {
  const needed = Math.ceil(leafBytes(history) / 4096);

  test.each([0, 1, 2, 9])('is read and hashed, %i of them', (spare) => {
    const large = (page: number) => {
      const bytes = leafPage(page, history, needed - 1 + spare);
      return Buffer.concat([bytes], (needed + spare) * 4096);
    };
    const file = writeBbolt({ ...clusterBuckets(), key: rows }, { freePages: [large] });
    file.bytes.writeBigUInt64LE(BigInt(file.freePages[0] as number), bucketHeader(file, 'key'));

    const { facts, keyspace } = inspectSnapshot(memorySource(file.bytes));

    expect(facts.keys).toBe(200);
    const at = { revision: 150n, compactRevision: 100n };
    expect(hashKv(keyspace, at)).toBe(hashKvOf(history, 150n, 100n));
  });
});

describe('the list of buckets', () => {
  test('does not name one that is cut off', () => {
    const file = writeBbolt({ ...clusterBuckets(), key: rows });
    file.bytes.writeUInt32LE(15, elementOf(file, file.rootPage, 0) + 12);

    refused(file.bytes, 'bucket "alarm" is cut off');
  });

  test('may be as long as no etcd has it, and no longer', () => {
    const many = (count: number) =>
      writeBbolt(Object.fromEntries(Array.from({ length: count }, (_, at) => [`b${at}`, []])));

    expect(inspectSnapshot(memorySource(many(1000).bytes)).facts.buckets).toHaveLength(1000);
    refused(many(1001).bytes, 'the database has too many buckets');
  });

  test('may fill several pages', () => {
    const { bytes } = writeBbolt({ ...clusterBuckets(), key: rows }, { branchAtRoot: true });

    expect(inspectSnapshot(memorySource(bytes)).facts.buckets).toHaveLength(10);
  });

  test('names none whose inline page is no leaf', () => {
    const file = writeBbolt({ ...clusterBuckets(), key: rows });
    file.bytes.writeUInt16LE(1, bucketHeader(file, 'meta') + 16 + 8);

    refused(file.bytes, 'an inline bucket is no leaf (flags 1, overflow 0)');
  });
});

describe('a free list', () => {
  test('of more than 65,535 pages says so in its first entry', () => {
    const free = Array.from({ length: 300 }, () => () => Buffer.alloc(4096));
    const file = writeBbolt(
      { ...clusterBuckets(), key: rows },
      { freePages: free, storedFreelist: true },
    );
    const start = (file.freelistPage as number) * 4096;
    const ids = Buffer.from(file.bytes.subarray(start + 16, start + 16 + 300 * 8));
    file.bytes.writeUInt16LE(0xffff, start + 10);
    file.bytes.writeBigUInt64LE(300n, start + 16);
    ids.copy(file.bytes, start + 24);

    expect(inspectSnapshot(memorySource(file.bytes)).facts.keys).toBe(200);
  });

  test('that is a leaf of a bucket is none', () => {
    const file = writeBbolt({ ...clusterBuckets(), key: rows }, { storedFreelist: true });
    file.bytes.writeUInt16LE(2, (file.freelistPage as number) * 4096 + 8);

    refused(file.bytes, `page ${file.freelistPage}: is a leaf, not a free list`);
  });
});
