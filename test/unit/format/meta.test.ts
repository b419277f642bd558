import { describe, expect, test } from 'vitest';
import { DatabaseReader } from '../../../src/format/database-reader.ts';
import { chooseMeta } from '../../../src/format/meta.ts';
import { memorySource } from '../../support/bbolt.ts';
import { metaPage, sealMeta } from '../../support/bbolt-pages.ts';

const facts = { pageSize: 4096, rootPage: 3, freelistPage: undefined, pageCount: 8 };

/** Eight empty pages with two metas. */
function fileOf(first: Buffer, second: Buffer, pageSize = 4096): Buffer {
  const bytes = Buffer.alloc(pageSize * 8);
  first.copy(bytes);
  second.copy(bytes, pageSize);
  return bytes;
}

function metas(change: (page: Buffer, id: number) => void = () => undefined, pageSize = 4096) {
  const pages = [0, 1].map((id) => {
    const page = metaPage({ ...facts, pageSize, id, txid: BigInt(8 - id) });
    change(page, id);
    return page;
  });
  return fileOf(pages[0] as Buffer, pages[1] as Buffer, pageSize);
}

const choose = (bytes: Uint8Array) =>
  chooseMeta(new DatabaseReader(memorySource(bytes), bytes.length));

describe('the meta in force', () => {
  test('is the newer of two sound ones, wherever it lies', () => {
    const [older, newer] = [0, 1].map((id) => metaPage({ ...facts, id, txid: BigInt(id + 5) }));

    expect(choose(fileOf(older as Buffer, newer as Buffer)).txid).toBe(6n);
    expect(choose(fileOf(newer as Buffer, older as Buffer)).txid).toBe(6n);
  });

  test.each([
    ['checksum', (page: Buffer) => page.writeUInt8(1, 79)],
    ['content', (page: Buffer) => page.writeUInt8(99, 64)],
    ['magic number', (page: Buffer) => page.writeUInt8(0, 16)],
  ])('is the other one when its %s is damaged', (_, damage) => {
    const bytes = metas((page, id) => id === 0 && damage(page));

    expect(choose(bytes).txid).toBe(7n);
  });

  test.each([1024, 8192, 16_384, 65_536])('is found on page 1 with pages of %i bytes', (size) => {
    const bytes = metas((page, id) => id === 0 && page.fill(0), size);

    expect(choose(bytes)).toMatchObject({ txid: 7n, pageSize: size });
  });
});

describe('no meta is in force', () => {
  const both = (change: (page: Buffer) => void) =>
    metas((page) => {
      change(page);
      sealMeta(page);
    });

  test.each<[string, (page: Buffer) => void, string]>([
    ['of another version', (page) => page.writeUInt32LE(3, 20), 'has format version 3'],
    ['with odd pages', (page) => page.writeUInt32LE(5000, 24), 'has page size 5000'],
    ['with tiny pages', (page) => page.writeUInt32LE(256, 24), 'has page size 256'],
    ['with vast pages', (page) => page.writeUInt32LE(131_072, 24), 'has page size 131072'],
    ['with more pages than the file', (page) => page.writeBigUInt64LE(9n, 56), 'the file is cut'],
    ['with pages beyond number', (page) => page.writeBigUInt64LE(2n ** 64n - 1n, 56), 'is cut'],
    ['with itself as the root', (page) => page.writeBigUInt64LE(0n, 32), 'the root page 0 is not'],
    ['with a root outside', (page) => page.writeBigUInt64LE(8n, 32), 'the root page 8 is not'],
  ])('%s', (_, change, reason) => {
    const act = () => choose(both(change));

    expect(act).toThrow(expect.objectContaining({ code: 'snapshot-corrupt' }));
    expect(act).toThrow(reason);
  });

  test('when the two speak of different page sizes', () => {
    const second = metaPage({ ...facts, pageSize: 8192, id: 1, txid: 9n });
    const first = metaPage({ ...facts, id: 0, txid: 8n });

    expect(() => choose(fileOf(first, second))).toThrow('the meta pages disagree');
  });

  test('in a file of one sector', () => {
    expect(() => choose(Buffer.alloc(512))).toThrow(
      'page 0 has no bbolt magic number, page 1 lies beyond the end of the file',
    );
  });
});
