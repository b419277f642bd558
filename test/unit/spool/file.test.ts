import { linkSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SpoolFile } from '../../../src/spool/file.ts';
import { ringBytes } from '../../../src/spool/ring.ts';
import { folder, MiB, spoolFile } from './disks.ts';
import { bytesFrom, piecesOf, wrongAt } from './told-bytes.ts';

/** What `bytes()` gives, in one piece. */
async function readBack(file: SpoolFile): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of file.bytes()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

describe('a spool file', () => {
  test('is new, and private to its owner', async () => {
    await using made = await spoolFile();

    expect(statSync(made.file.path).mode & 0o777).toBe(0o600);
    await expect(SpoolFile.create(made.file.path)).rejects.toMatchObject({ code: 'EEXIST' });
  });

  test('holds what was appended, however it was cut and flushed', async () => {
    const size = fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 1, max: 100_000 }) },
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 600 }).map((pages) => pages * 4096) },
      { weight: 1, arbitrary: fc.integer({ min: ringBytes - 2, max: ringBytes + 5000 }) },
      { weight: 1, arbitrary: fc.constant(0) },
    );
    const step = fc.record({
      sizes: fc.array(size, { maxLength: 6 }),
      flushed: fc.boolean(),
    });
    const property = fc.asyncProperty(fc.array(step, { maxLength: 5 }), async (steps) => {
      await using made = await spoolFile();
      const { file } = made;
      const pieces = piecesOf(steps.flatMap(({ sizes }) => sizes));
      const total = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
      for (const { sizes, flushed } of steps) {
        await file.append(pieces.splice(0, sizes.length));
        if (flushed) await file.flush();
      }

      await file.flush();
      file.end();

      const found = readFileSync(file.path);
      expect([file.sizeBytes, found.length]).toEqual([total, total]);
      expect(wrongAt(found)).toBe(undefined);
      expect((await readBack(file)).equals(found)).toBe(true);
    });

    await fc.assert(property, { numRuns: 12 });
  });

  test('takes single bytes', async () => {
    await using made = await spoolFile();
    const { file } = made;
    const single = piecesOf(Array(10_000).fill(1));

    for (const piece of single.splice(0, 5000)) await file.append([piece]);
    await file.append(single);
    await file.flush();

    expect(file.sizeBytes).toBe(10_000);
    expect(wrongAt(readFileSync(file.path))).toBe(undefined);
  });

  test('takes a piece that is larger than what it keeps in memory', async () => {
    await using made = await spoolFile();
    const { file } = made;

    await file.append([bytesFrom(0, 3), bytesFrom(3, 2 * ringBytes + 777)]);
    await file.flush();

    expect(file.sizeBytes).toBe(2 * ringBytes + 780);
    expect(wrongAt(readFileSync(file.path))).toBe(undefined);
  });

  test('gives all its bytes to each of several readers, early and late ones', async () => {
    await using made = await spoolFile();
    const { file } = made;
    const total = 2 * ringBytes + 17;
    const early = [readBack(file), readBack(file)];
    await file.append([bytesFrom(0, MiB)]);
    await file.append([bytesFrom(MiB, total - MiB)]);
    await file.flush();
    file.end();

    const found = await Promise.all([...early, readBack(file)]);

    expect(found.map((bytes) => bytes.length)).toEqual([total, total, total]);
    expect(found.map((bytes) => wrongAt(bytes))).toEqual([undefined, undefined, undefined]);
  });

  test('tells its readers when the rest never comes', async () => {
    await using made = await spoolFile();
    const { file } = made;
    await file.append([bytesFrom(0, 3 * MiB)]);
    await file.flush();
    const told = expect(readBack(file)).rejects.toMatchObject({
      message: `${file.path} was given up`,
    });

    await file.release();

    await told;
  });

  test('says so when somebody cuts it', async () => {
    await using made = await spoolFile();
    const { file } = made;
    await file.append([bytesFrom(0, 2 * ringBytes)]);
    await file.flush();

    truncateSync(file.path, 5000);

    await expect(readBack(file)).rejects.toMatchObject({
      code: 'spool-failed',
      message: `${file.path} shrank to 5000 bytes`,
    });
  });

  test('tells how far it is: ever further, never too far, and all at the end', async () => {
    await using made = await spoolFile();
    const { file } = made;
    const told: number[] = [];
    let appended = 0;
    file.onAdvance = (takenBytes) => {
      expect(takenBytes).toBeLessThanOrEqual(appended);
      told.push(takenBytes);
    };

    for (const piece of piecesOf(Array(40).fill(300_001))) {
      appended += piece.byteLength;
      await file.append([piece]);
    }
    await file.flush();

    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(told.length).toBeGreaterThan(4);
    expect(told.length).toBeLessThan(10);
    expect(told.at(-1)).toBe(40 * 300_001);
  });

  test('is synced when all is written', async () => {
    await using made = await spoolFile();
    await made.file.append([bytesFrom(0, 5000)]);
    await made.file.flush();

    await made.file.sync();

    expect(readFileSync(made.file.path)).toHaveLength(5000);
  });
});

describe('the end of a spool file', () => {
  test('removes it; links to it stay', async () => {
    using place = folder();
    const file = await SpoolFile.create(join(place.path, 'file'));
    await file.append([bytesFrom(0, 5000)]);
    await file.flush();
    linkSync(file.path, join(place.path, 'link'));

    await file[Symbol.asyncDispose]();
    await file[Symbol.asyncDispose]();

    expect(place.names()).toEqual(['link']);
    expect(wrongAt(readFileSync(join(place.path, 'link')))).toBe(undefined);
  });

  test('may leave it where it is, closed to all who would add to it', async () => {
    await using made = await spoolFile();
    const { file, place } = made;
    await file.append([bytesFrom(0, 5000)]);
    await file.flush();

    await file.release();
    await file.release();

    expect(place.names()).toEqual(['file']);
    const ended = { code: 'internal', message: `${file.path} was given up` };
    await expect(file.append([bytesFrom(5000, 1)])).rejects.toMatchObject(ended);
    expect(statSync(file.path).size).toBe(5000);
  });
});
