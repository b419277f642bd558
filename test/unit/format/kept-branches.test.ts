/** Branch pages kept from the scan must read as the file does, within their limit. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DatabaseReader } from '../../../src/format/database-reader.ts';
import { inspectSnapshot } from '../../../src/format/inspect-snapshot.ts';
import { KeptBranches } from '../../../src/format/kept-branches.ts';
import { memorySource, type TestFile, writeBbolt } from '../../support/bbolt.ts';
import { branchPage, leafPage } from '../../support/bbolt-pages.ts';
import { clusterBuckets } from './cluster-bytes.ts';
import { historyOf, pairsOf } from './history.ts';

const MiB = 1024 * 1024;
const pageSize = 4096;
/** What a page holds outside of what its header tells of. */
const garbage = 0xa5;

interface Child {
  readonly key: Buffer;
  readonly page: number;
}

function childrenOf(count: number, keyBytes: number): Child[] {
  return Array.from({ length: count }, (_, at) => ({
    key: Buffer.alloc(keyBytes, at % 251),
    page: 1000 + at,
  }));
}

/** A database of these pages from page 2 on, each filled up with garbage. */
function pagesOf(images: readonly Uint8Array[], size = pageSize): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array((images.length + 2) * size).fill(garbage);
  for (const [at, image] of images.entries()) bytes.set(image, (at + 2) * size);
  return bytes;
}

/** The pages after each was offered, and a count of the reads that went to the file. */
function keptFrom(bytes: Uint8Array<ArrayBuffer>, limitBytes = 8 * MiB, size = pageSize) {
  const kept = new KeptBranches(size, limitBytes);
  const sight = { bytes, view: new DataView(bytes.buffer) };
  for (let at = 2 * size; at < bytes.length; at += size) kept.take(sight, at, at / size);
  const file = memorySource(bytes);
  return { source: kept.over(file), fileReads: file.reads };
}

/** Whether a page is read without the file. */
function isKept(bytes: Uint8Array<ArrayBuffer>, page = 2): boolean {
  const { source, fileReads } = keptFrom(bytes);
  source.read(page * pageSize, new Uint8Array(pageSize));
  return fileReads() === 0;
}

describe('a branch that was kept', () => {
  test('reads as in the file, and what it does not use as zeros', () => {
    const shape = fc.record({
      size: fc.constantFrom(512, 4096, 65_536),
      counts: fc.array(fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 60 })), { minLength: 1 }),
    });
    const property = fc.property(shape, ({ size, counts }) => {
      const images = counts
        .map(([count, keyBytes], at) => branchPage(at + 2, childrenOf(count, keyBytes), 0))
        .filter((image) => image.length <= size);
      const { source, fileReads } = keptFrom(pagesOf(images, size), 8 * MiB, size);

      const pages = images.map((_, at) => {
        const into = new Uint8Array(size).fill(1);
        expect(source.read((at + 2) * size, into)).toBe(size);
        return Buffer.from(into);
      });

      expect(pages).toEqual(images.map((image) => Buffer.concat([image], size)));
      expect(fileReads()).toBe(0);
    });

    fc.assert(property, { numRuns: 40 });
  });

  test('gives one page to a read that wants more, and the file the rest', () => {
    const branch = branchPage(2, childrenOf(5, 17), 0);
    const bytes = pagesOf([branch, leafPage(3, [], 0)]);
    const { source, fileReads } = keptFrom(bytes);
    const reader = new DatabaseReader(source, bytes.length);

    const both = reader.bytes(2 * pageSize, 2 * pageSize);

    expect(both.subarray(0, branch.length)).toEqual(new Uint8Array(branch));
    expect(both.subarray(pageSize)).toEqual(bytes.subarray(3 * pageSize));
    expect(fileReads()).toBe(1);
  });

  test.each([
    ['is shorter than a page', 2 * pageSize, pageSize - 1],
    ['begins inside of it', 2 * pageSize + 16, pageSize],
    ['begins before it', pageSize, 2 * pageSize],
  ])('is left to the file by a read that %s', (_, position, length) => {
    const bytes = pagesOf([branchPage(2, childrenOf(5, 17), 0), leafPage(3, [], 0)]);
    const { source, fileReads } = keptFrom(bytes);
    const into = new Uint8Array(length);

    expect(source.read(position, into)).toBe(length);

    expect(into).toEqual(bytes.subarray(position, position + length));
    expect(fileReads()).toBe(1);
  });

  test('is a source as long as the file', () => {
    const bytes = pagesOf([branchPage(2, childrenOf(5, 17), 0)]);

    expect(keptFrom(bytes).source.sizeBytes).toBe(bytes.length);
  });
});

describe('what is not kept', () => {
  const children = childrenOf(5, 17);
  const edited = (edit: (page: Buffer) => void) => {
    const page = branchPage(2, children, 0);
    edit(page);
    return pagesOf([page]);
  };

  test('is nothing of a plain branch', () => {
    expect(isKept(edited(() => undefined))).toBe(true);
  });

  test.each<[string, (page: Buffer) => void]>([
    ['a leaf', (page) => page.writeUInt16LE(2, 8)],
    ['a branch that is something else as well', (page) => page.writeUInt16LE(3, 8)],
    ['a branch of several pages', (page) => page.writeUInt32LE(1, 12)],
    ['a branch with more children than room', (page) => page.writeUInt16LE(256, 10)],
    ['a branch with a key outside', (page) => page.writeUInt32LE(pageSize - 16, 16)],
    ['a branch with a key that reaches outside', (page) => page.writeUInt32LE(pageSize, 16 + 4)],
    ['a branch with a key far away', (page) => page.writeUInt32LE(0xffff_ffff, 4 * 16 + 4)],
  ])('%s', (_, edit) => {
    expect(isKept(edited(edit))).toBe(false);
  });

  test('a branch whose keys end with the page is kept, one byte more is not', () => {
    const elements = 16 + 5 * 16;
    const last = (keyEnd: number) =>
      edited((page) => page.writeUInt32LE(keyEnd - (elements - 16) - 17, elements - 16));

    expect([isKept(last(pageSize)), isKept(last(pageSize + 1))]).toEqual([true, false]);
  });
});

describe('the limit', () => {
  /** How many of the pages are read without the file; all of them must read right. */
  function keptPages(images: readonly Buffer[], limitBytes: number): number {
    const bytes = pagesOf(images);
    const { source, fileReads } = keptFrom(bytes, limitBytes);
    for (const [at, image] of images.entries()) {
      const into = new Uint8Array(pageSize);
      source.read((at + 2) * pageSize, into);
      expect(Buffer.compare(into.subarray(0, image.length), image)).toBe(0);
    }
    return images.length - fileReads();
  }

  const full = Array.from({ length: 700 }, (_, at) => branchPage(at + 2, childrenOf(85, 32), 0));
  const half = Array.from({ length: 1100 }, (_, at) => branchPage(at + 2, childrenOf(42, 32), 0));

  test.each([
    ['nothing is kept without a byte', full, 0, 0],
    ['nothing is kept below what is taken at once', full, MiB - 1, 0],
    ['full pages take what they are', full, MiB, 256],
    ['twice the limit takes twice the pages', full, 2 * MiB, 512],
    ['pages that are half empty take half', half, MiB, 516],
    ['what fits is kept whole', full, 3 * MiB, 700],
  ])('%s', (_, images, limitBytes, pages) => {
    expect(keptPages(images, limitBytes)).toBe(pages);
  });

  test('passes over a branch that no longer fits, and keeps a smaller one behind it', () => {
    const tail = [half[255], full[256], half[257]] as Buffer[];

    expect(keptPages([...full.slice(0, 255), ...tail], MiB)).toBe(257);
  });
});

describe('a proof with kept branches', () => {
  const rows = historyOf(
    Array.from({ length: 3000 }, (_, at) => [{ put: `key-${at}`, value: 'v'.repeat(40) }]),
  );
  const key = { pairs: pairsOf(rows), pairsPerLeaf: 6, childrenPerBranch: 12 };
  const file: TestFile = writeBbolt({ ...clusterBuckets(), key }, { shuffleSeed: 11 });

  test('goes back to the file for none of them', () => {
    const positions: number[] = [];
    const memory = memorySource(file.bytes);
    const source = {
      sizeBytes: memory.sizeBytes,
      read: (position: number, into: Uint8Array) => {
        if (into.length < MiB / 2) positions.push(position);
        return memory.read(position, into);
      },
    };

    inspectSnapshot(source);

    const branches = file.branches['key'] ?? [];
    expect(branches.length).toBeGreaterThan(40);
    const walked = branches.filter((page) => positions.includes(page * pageSize));
    expect(walked).toEqual([]);
  });
});
