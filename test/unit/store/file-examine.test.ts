/** What a check learns of a directory beyond that a probe can be put and read. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileStore } from '../../../src/store/file.ts';
import {
  bytesOf,
  farFuture,
  named,
  namesIn,
  putBytes,
  signal,
} from '../../contract/store-bodies.ts';
import { canMount, makeDisk, makeFolder, remount } from './places.ts';

describe('a file store that is examined', () => {
  test('leaves nothing behind and touches no object', async () => {
    const root = join(makeFolder(), 'root');
    const store = fileStore({ name: 'disk', root });
    await putBytes(store, 'a', 'x');

    const { lines } = await store.examine(named('probe'), { signal });

    expect(lines.join()).toContain('renames replace, folders sync');
    expect(await readdir(root)).toEqual(['a']);
  });

  test('tells one who stopped so, and fails where its root cannot be', async () => {
    const reason = new Error('stopped by the test');
    const store = fileStore({ name: 'disk', root: join(makeFolder(), 'missing', 'root') });

    await expect(store.examine(named('probe'), { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    await expect(store.examine(named('probe'), { signal })).rejects.toMatchObject({
      code: 'store-failed',
    });
  });
});

describe.skipIf(!canMount())('a file store on a disk of its own (needs mount)', () => {
  test('tells where that is mounted and how much is free', async () => {
    const disk = makeDisk('size=2m');
    const store = fileStore({ name: 'disk', root: join(disk, 'root') });
    await putBytes(store, 'a', bytesOf(1024 * 1024, 1));

    const { lines, freeBytes } = await store.examine(named('probe'), { signal });

    // While it is looked at, a page of the probe's own is there.
    expect(freeBytes).toBe(1024 * 1024 - 4096);
    expect(lines.join()).toBe(
      `renames replace, folders sync, 1020 KiB free, at ${disk} (tmpfs of none)`,
    );
  });

  test('is told to be denied where the disk is read-only, and what to do', async () => {
    const disk = makeDisk('size=2m');
    const store = fileStore({ name: 'disk', root: join(disk, 'root') });
    await putBytes(store, 'a', 'x');
    remount(disk, 'ro');

    await expect(store.examine(named('probe'), { signal })).rejects.toMatchObject({
      code: 'store-denied',
      hint: expect.stringContaining('Mount it read-write'),
    });
    expect(await namesIn(store)).toEqual(['a']);
  });

  test('leaves nothing behind where there is no room', async () => {
    const disk = makeDisk('size=8k');
    const store = fileStore({ name: 'disk', root: disk });
    await putBytes(store, 'a', bytesOf(4096, 1));
    await putBytes(store, 'b', bytesOf(4096, 1));

    await expect(store.examine(named('probe'), { signal })).rejects.toMatchObject({
      code: 'store-full',
    });

    expect(await namesIn(store)).toEqual(['a', 'b']);
    expect(await store.sweep(farFuture, { signal })).toBe(0);
  });
});
