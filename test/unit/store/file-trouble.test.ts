/** Full, read-only and missing disks; killed and competing processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileStore } from '../../../src/store/file.ts';
import {
  bodyOf,
  bytesOf,
  farFuture,
  named,
  namesIn,
  putBytes,
  readBytes,
  signal,
} from '../../contract/store-bodies.ts';
import { canMount, makeDisk, makeFolder, mount, remount, unmount } from './places.ts';

const mib = 1024 * 1024;
const name = named('0123456789abcdef/object.db');

function run(script: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, script), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

describe.skipIf(!canMount())('file store on a disk of its own (needs mount)', () => {
  test('says store-full, keeps what was there and leaves nothing behind', async () => {
    const disk = makeDisk('size=2m');
    const store = fileStore({ name: 'disk', root: join(disk, 'root') });
    const bytes = bytesOf(mib, 1);
    await putBytes(store, name, bytes);

    await expect(putBytes(store, name, bytesOf(3 * mib, 2))).rejects.toMatchObject({
      code: 'store-full',
      message: expect.stringContaining('no space left on the disk'),
    });

    expect((await readBytes(store, name)).equals(bytes)).toBe(true);
    expect(await namesIn(store)).toEqual([name]);
    expect(await store.sweep(farFuture, { signal })).toBe(0);
    await putBytes(store, '0123456789abcdef/small', bytesOf(mib / 2, 3));
  });

  test('says store-full when there is no room for a folder', async () => {
    const disk = makeDisk('nr_inodes=3');
    const store = fileStore({ name: 'disk', root: join(disk, 'root') });

    await expect(putBytes(store, 'a/b/c', 'x')).rejects.toMatchObject({ code: 'store-full' });
  });

  test('says store-denied on a read-only disk, and still reads', async () => {
    const disk = makeDisk('size=2m');
    const store = fileStore({ name: 'disk', root: join(disk, 'root') });
    await putBytes(store, name, 'content');
    remount(disk, 'ro');

    const failure = {
      code: 'store-denied',
      message: expect.stringContaining('the file system is read-only'),
    };
    await expect(putBytes(store, name, 'x')).rejects.toMatchObject(failure);
    await expect(putBytes(store, 'new/folder', 'x')).rejects.toMatchObject(failure);
    await expect(store.remove(name, { signal })).rejects.toMatchObject(failure);
    expect(String(await readBytes(store, name))).toBe('content');
  });

  test('fails every call while its disk is not mounted, and works when it is back', async () => {
    const disk = makeDisk('size=2m');
    const store = fileStore({ name: 'disk', root: disk });
    await putBytes(store, name, 'content');
    unmount(disk);

    const failure = {
      code: 'store-failed',
      message: expect.stringContaining(`no disk is mounted at ${disk}`),
    };
    await expect(putBytes(store, name, 'x')).rejects.toMatchObject(failure);
    await expect(namesIn(store)).rejects.toMatchObject(failure);
    await expect(readBytes(store, name)).rejects.toMatchObject(failure);
    await expect(store.remove(name, { signal })).rejects.toMatchObject(failure);
    await expect(store.sweep(farFuture, { signal })).rejects.toMatchObject(failure);
    expect(await readdir(disk)).toEqual([]);

    mount(disk, 'size=2m');
    await putBytes(store, name, 'again');
    expect(await namesIn(store)).toEqual([name]);
  });

  test('refuses to begin on a mount point without its disk when told which it is', async () => {
    const mountPoint = makeFolder();
    const root = join(mountPoint, 'root');
    const store = fileStore({ name: 'disk', root, mountPoint });

    await expect(putBytes(store, name, 'x')).rejects.toMatchObject({ code: 'store-failed' });

    expect(await readdir(mountPoint)).toEqual([]);
  });
});

describe('file store and other processes', () => {
  test('shows nothing of a put that was killed midway, and sweeps it', async () => {
    const root = join(makeFolder(), 'root');
    const store = fileStore({ name: 'disk', root });
    const child = run('put-and-stall.ts', root);
    await once(child.stdout ?? child, 'data');
    const during = await namesIn(store);

    child.kill('SIGKILL');
    await once(child, 'exit');

    expect(during).toEqual([]);
    expect(await namesIn(store)).toEqual([]);
    expect(await readdir(join(root, '0123456789abcdef'))).toHaveLength(1);
    expect(await store.sweep(new Date(Date.now() - 60_000), { signal })).toBe(0);
    expect(await store.sweep(farFuture, { signal })).toBe(1);
    expect(await readdir(join(root, '0123456789abcdef'))).toEqual([]);
  });

  test('never shows a mix when two processes put the same names', async () => {
    const root = join(makeFolder(), 'root');
    const store = fileStore({ name: 'disk', root });
    const writers = [run('put-often.ts', root, '1'), run('put-often.ts', root, '2')];
    let running = writers.length;
    const exits = writers.map(async (writer) => {
      const [code] = await once(writer, 'exit');
      running -= 1;
      return code as number;
    });

    const mixed: string[] = [];
    while (running > 0) {
      for (const object of await namesIn(store)) {
        const bytes = await readBytes(store, object);
        const byte = bytes[0] ?? 0;
        const whole = bytes.byteLength === 100_000 + byte && bytes.every((each) => each === byte);
        if (!whole) mixed.push(`${object}: ${bytes.byteLength}`);
      }
    }

    expect(await Promise.all(exits)).toEqual([0, 0]);
    expect(mixed).toEqual([]);
    expect(await namesIn(store)).toEqual([0, 1, 2, 3].map((at) => `folder-${at}/shared`));
    expect(await store.sweep(farFuture, { signal })).toBe(0);
  });

  test('fails a put whose unfinished file somebody removed, and shows nothing', async () => {
    const root = join(makeFolder(), 'root');
    const mine = fileStore({ name: 'mine', root });
    const other = fileStore({ name: 'other', root });
    const bytes = bytesOf(100_000, 1);
    const body = {
      ...bodyOf(bytes),
      async *open() {
        yield bytes;
        await other.sweep(farFuture, { signal });
      },
    };

    await expect(mine.put(name, body, { signal })).rejects.toMatchObject({ code: 'store-failed' });

    expect(await namesIn(mine)).toEqual([]);
  });
});
