/** A spool file on disks that are stuck, full, slow, or unable to leave the page cache out. */
import { getEventListeners } from 'node:events';
import { readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { SpoolFile } from '../../../src/spool/file.ts';
import { alignmentBytes, ringBytes } from '../../../src/spool/ring.ts';
import {
  cachedBytes,
  canBypassCache,
  canMount,
  disk,
  fileLimit,
  MiB,
  spoolFile,
  stuckDisk,
} from './disks.ts';
import { bytesFrom, wrongAt } from './told-bytes.ts';

describe('a disk that does not answer', () => {
  test('holds the sender up only when the memory for it is full', async () => {
    await using made = await spoolFile();
    const { file } = made;
    await using stuck = stuckDisk();
    let isTaken = false;

    await file.append([bytesFrom(0, ringBytes - 1)]);
    expect(file.isFull).toBe(false);
    await file.append([bytesFrom(ringBytes - 1, 1)]);
    expect(file.isFull).toBe(true);
    const waiting = file.append([bytesFrom(ringBytes, 1)]).then(() => {
      isTaken = true;
    });
    await setImmediate();

    expect([isTaken, file.sizeBytes]).toEqual([false, 0]);
    await stuck.letGo();
    await waiting;
    await file.flush();
    expect(file.sizeBytes).toBe(ringBytes + 1);
    expect(wrongAt(readFileSync(file.path))).toBe(undefined);
  });

  test.each(['append', 'flush'] as const)('is not waited for in %s after an abort', async (act) => {
    await using made = await spoolFile();
    const { file } = made;
    await using _stuck = stuckDisk();
    const ending = new AbortController();
    const { signal } = ending;
    const reason = new Error('enough');
    await file.append([bytesFrom(0, ringBytes)], signal);

    const waiting = act === 'append' ? file.append([bytesFrom(0, 1)], signal) : file.flush(signal);
    ending.abort(reason);

    await expect(waiting).rejects.toBe(reason);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('is not waited for when the signal has aborted before', async () => {
    await using made = await spoolFile();
    await using _stuck = stuckDisk();
    const reason = new Error('enough');
    await made.file.append([bytesFrom(0, 10)]);

    await expect(made.file.flush(AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  test('is not waited for when the file is given up', async () => {
    await using made = await spoolFile();
    const { file } = made;
    await using stuck = stuckDisk();
    await file.append([bytesFrom(0, ringBytes)]);

    await file.release();

    await expect(file.append([bytesFrom(0, 1)])).rejects.toMatchObject({ code: 'internal' });
    await stuck.letGo();
  });

  test('leaves no listener behind on the signal of a sender that waited', async () => {
    await using made = await spoolFile();
    const { file } = made;
    await using stuck = stuckDisk();
    const { signal } = new AbortController();
    await file.append([bytesFrom(0, ringBytes)], signal);
    const waiting = file.append([bytesFrom(ringBytes, 3 * MiB)], signal);
    await setImmediate();
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);

    await stuck.letGo();
    await waiting;

    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe.skipIf(!(await canBypassCache()))('the page cache', () => {
  /** The end of a file that is no whole page, and what the kernel takes along with it. */
  const tailBytes = 64 * 1024;

  test('is not filled with what is written', async () => {
    await using made = await spoolFile();
    const { file } = made;

    await file.append([bytesFrom(0, 6 * MiB + 100)]);
    await file.flush();

    expect(cachedBytes(file.path)).toBeLessThanOrEqual(tailBytes);
    expect(wrongAt(readFileSync(file.path))).toBe(undefined);
  });

  /** What is in the page cache of the bytes that come after a disk made the sender wait. */
  async function cachedAfterWaiting(isHurried: boolean): Promise<number> {
    await using made = await spoolFile();
    const { file } = made;
    file.isHurried = isHurried;
    const stuck = stuckDisk();
    await file.append([bytesFrom(0, ringBytes)]);
    const waiting = file.append([bytesFrom(ringBytes, alignmentBytes)]);
    await sleep(300);
    await stuck.letGo();
    await waiting;
    await file.flush();
    const before = cachedBytes(file.path);

    const { sizeBytes } = file;
    await file.append([bytesFrom(sizeBytes, 3 * ringBytes)]);
    await file.flush();

    const cached = cachedBytes(file.path) - before;
    expect(wrongAt(readFileSync(file.path))).toBe(undefined);
    return cached;
  }

  test('helps a hurried sender that had to wait for the disk too long', async () => {
    expect(await cachedAfterWaiting(true)).toBeGreaterThanOrEqual(3 * ringBytes - tailBytes);
  });

  test('is left to others by a sender that can wait', async () => {
    expect(await cachedAfterWaiting(false)).toBeLessThanOrEqual(tailBytes);
  });
});

test('a file that cannot grow any further ends the sender, and keeps what it has', async () => {
  await using made = await spoolFile();
  const { file } = made;
  using _limit = fileLimit(5 * MiB + 5000);

  const full = { code: 'spool-full', message: expect.stringContaining(`write ${file.path}`) };
  await expect(file.append([bytesFrom(0, 2 * ringBytes)])).rejects.toMatchObject(full);

  expect(file.sizeBytes).toBe(5 * MiB + 5000);
  expect(wrongAt(readFileSync(file.path))).toBe(undefined);
});

describe.skipIf(!canMount())('a disk of its own', () => {
  test('is written through the page cache where there is no way past it', async () => {
    using place = disk('ramfs', MiB);
    await using file = await SpoolFile.create(join(place.path, 'file'));

    await file.append([bytesFrom(0, 9 * MiB + 5)]);
    await file.flush();
    await file.sync();

    expect(wrongAt(readFileSync(file.path))).toBe(undefined);
    expect(file.sizeBytes).toBe(9 * MiB + 5);
  });

  test('that becomes full ends the sender and whoever waits', async () => {
    using place = disk('tmpfs', 5 * MiB);
    const file = await SpoolFile.create(join(place.path, 'file'));

    const full = { code: 'spool-full', message: expect.stringContaining(`write ${file.path}`) };
    await expect(file.append([bytesFrom(0, 3 * ringBytes)])).rejects.toMatchObject(full);

    await expect(file.append([bytesFrom(0, 1)])).rejects.toMatchObject(full);
    await expect(file.flush()).rejects.toMatchObject(full);
    await expect(file.sync()).rejects.toMatchObject(full);
    expect(file.sizeBytes).toBeGreaterThan(0);
    expect(file.sizeBytes).toBeLessThanOrEqual(5 * MiB);
    expect(wrongAt(readFileSync(file.path))).toBe(undefined);
    await file[Symbol.asyncDispose]();
    expect(place.names()).toEqual([]);
    const { bavail, blocks } = statfsSync(place.path);
    expect(bavail).toBe(blocks);
  });

  test('that becomes full with the last bytes shows in the flush', async () => {
    using place = disk('tmpfs', MiB);
    await using file = await SpoolFile.create(join(place.path, 'file'));
    await file.append([bytesFrom(0, MiB + 1)]);

    await expect(file.flush()).rejects.toMatchObject({ code: 'spool-full' });
  });
});
