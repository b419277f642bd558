import { appendFileSync, closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readFully } from '../../../src/format/byte-source.ts';
import { fileSource } from '../../../src/format/file-source.ts';
import { snapshotLayout } from '../../../src/format/snapshot-file.ts';
import { memorySource } from '../../support/bbolt.ts';

describe('the layout', () => {
  test('of a streamed snapshot has the trailer behind the database', () => {
    expect(snapshotLayout(8192 + 32)).toEqual({ databaseBytes: 8192, sizeBytes: 8224 });
  });

  test('of a copied database has none', () => {
    expect(snapshotLayout(8192)).toEqual({ databaseBytes: 8192, sizeBytes: 8192 });
  });

  test('is known above 4 GiB', () => {
    const databaseBytes = 3 * 2 ** 32;
    expect(snapshotLayout(databaseBytes + 32)).toEqual({
      databaseBytes,
      sizeBytes: databaseBytes + 32,
    });
  });

  test.each([
    [0, 'the file is empty'],
    [8191, 'the file has 8191 bytes: neither a database nor'],
    [8192 + 31, 'neither a database nor a database with its digest'],
    [8192 + 64, 'neither a database nor a database with its digest'],
  ])('of %i bytes is none', (sizeBytes, reason) => {
    expect(() => snapshotLayout(sizeBytes)).toThrow(reason);
    expect(() => snapshotLayout(sizeBytes)).toThrow(
      expect.objectContaining({ code: 'snapshot-corrupt' }),
    );
  });
});

describe('a file as a source', () => {
  const folder = mkdtempSync(join(tmpdir(), 'format-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'file');
  writeFileSync(path, 'abcdef');

  test('is read at any position, and grows', () => {
    using source = fileSource(path);
    const into = new Uint8Array(3);

    readFully(source, 2, into);

    expect(String(Buffer.from(into))).toBe('cde');
    expect(source.sizeBytes).toBe(6);
    appendFileSync(path, 'ghi');
    expect(source.sizeBytes).toBe(9);
  });

  test('leaves a descriptor of somebody else open', () => {
    const descriptor = openSync(path, 'r');
    {
      using source = fileSource(descriptor);
      expect(source.read(0, new Uint8Array(1))).toBe(1);
    }

    closeSync(descriptor);
  });

  test('that is missing throws the error of the system', () => {
    expect(() => fileSource(join(folder, 'missing'))).toThrow(
      expect.objectContaining({ code: 'ENOENT' }),
    );
  });
});

test('a source that gives little at a time is read to the end', () => {
  const bytes = Buffer.from('abcdef');
  const whole = memorySource(bytes);
  const slow = {
    sizeBytes: 6,
    read: (at: number, to: Uint8Array) => whole.read(at, to.subarray(0, 1)),
  };
  const into = new Uint8Array(6);

  readFully(slow, 0, into);

  expect(Buffer.from(into)).toEqual(bytes);
});

test('a source that ends too early is a truncated file', () => {
  expect(() => readFully(memorySource(Buffer.alloc(5)), 0, new Uint8Array(6))).toThrow(
    'the file ends at byte 5, where more was announced',
  );
});
