import { createHash } from 'node:crypto';
import { truncateSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ByteSource, readFully } from '../../../src/format/byte-source.ts';
import { snapshotLayout } from '../../../src/format/snapshot-file.ts';
import { SnapshotScan } from '../../../src/format/snapshot-scan.ts';
import { freshSource } from '../../../src/spool/fresh-source.ts';
import { ringBytes } from '../../../src/spool/ring.ts';
import { cachedBytes, canBypassCache, MiB, spoolFile, stuckDisk } from './disks.ts';
import { snapshotFile } from './streams.ts';
import { bytesFrom, wrongAt } from './told-bytes.ts';

function wrongIn(source: ByteSource, offset: number, length: number): number | undefined {
  const into = new Uint8Array(length);
  readFully(source, offset, into);
  return wrongAt(into, offset);
}

const bypassesCache = await canBypassCache();

describe('a source over a spool file that has lapped its ring', () => {
  const total = 2 * ringBytes + 3 * MiB + 123;
  let made: Awaited<ReturnType<typeof spoolFile>>;
  let source: ByteSource;
  beforeAll(async () => {
    made = await spoolFile();
    await made.file.append([bytesFrom(0, total)]);
    await made.file.flush();
    source = freshSource(made.file.path, made.file.ring);
  });
  afterAll(() => made[Symbol.asyncDispose]());

  test('is as long as the file', () => {
    expect(source.sizeBytes).toBe(total);
  });

  test('gives what was appended, from every place and in every length', () => {
    const property = fc.property(
      fc.nat(total - 1),
      fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.integer({ min: 9000, max: 2 * MiB })),
      (offset, length) => {
        expect(wrongIn(source, offset, Math.min(length, total - offset))).toBe(undefined);
      },
    );

    fc.assert(property, { numRuns: 100 });
  });

  test.skipIf(!bypassesCache)('reads much at once past the page cache', () => {
    const oldBytes = total - ringBytes;
    const before = cachedBytes(made.file.path);
    for (let at = 0; at < oldBytes; at += MiB) {
      expect(wrongIn(freshSource(made.file.path, made.file.ring), at, MiB)).toBe(undefined);
    }

    expect(cachedBytes(made.file.path) - before).toBeLessThan(MiB);
  });
});

describe('a source over a spool file', () => {
  test('has what the disk does not have yet', async () => {
    await using made = await spoolFile();
    const { file } = made;
    await using _stuck = stuckDisk();
    await file.append([bytesFrom(0, 5 * MiB)]);

    const source = freshSource(file.path, file.ring);

    expect(file.sizeBytes).toBe(0);
    expect(wrongIn(source, 0, 5 * MiB)).toBe(undefined);
    expect(wrongIn(source, 4 * MiB + 7, 4096)).toBe(undefined);
  });

  test('ends where somebody cut it, in long reads and in short ones', async () => {
    await using made = await spoolFile();
    const { file } = made;
    await file.append([bytesFrom(0, 2 * ringBytes)]);
    await file.flush();
    const source = freshSource(file.path, file.ring);

    truncateSync(file.path, 50_000);

    const corrupt = expect.objectContaining({ code: 'snapshot-corrupt' });
    expect(wrongIn(source, 0, 50_000)).toBe(undefined);
    expect(() => wrongIn(source, 0, MiB)).toThrow(corrupt);
    expect(() => wrongIn(source, 49_990, 20)).toThrow(corrupt);
  });

  test('gives a scan that follows it the same digests, however far that lags behind', async () => {
    const piece = fc.record({
      size: fc.oneof(fc.integer({ min: 1, max: 50_000 }), fc.integer({ min: 1, max: 5 * MiB })),
      followed: fc.boolean(),
    });
    const shape = fc.array(piece, { minLength: 1, maxLength: 12 });
    const property = fc.asyncProperty(shape, async (pieces) => {
      await using made = await spoolFile();
      const { file } = made;
      const databaseBytes = Math.ceil(sum(pieces.map(({ size }) => size)) / 512) * 512;
      const snapshot = snapshotFile(databaseBytes);
      const scan = new SnapshotScan(freshSource(file.path, file.ring));
      let end = 0;
      for (const { size, followed } of pieces) {
        await file.append([snapshot.subarray(end, end + size)]);
        end += size;
        if (followed) scan.advance(end);
      }
      await file.append([snapshot.subarray(end)]);
      await file.flush();

      const digests = scan.digests(snapshotLayout(snapshot.length));

      expect(digests).toEqual({
        databaseSha256: sha256(snapshot.subarray(0, databaseBytes)),
        fileSha256: sha256(snapshot),
        trailer: 'matches',
      });
    });

    await fc.assert(property, { numRuns: 10 });
  });
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
