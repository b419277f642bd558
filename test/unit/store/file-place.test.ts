/** Where a file store puts things, what it refuses to make, and what it does not own. */

import { readdirSync, readlinkSync } from 'node:fs';
import { chown, lstat, mkdir, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileStore } from '../../../src/store/file.ts';
import {
  bodyOf,
  bytesOf,
  collect,
  named,
  namesIn,
  putBytes,
  readBytes,
  signal,
} from '../../contract/store-bodies.ts';
import { makeFolder } from './places.ts';

const modeOf = async (path: string) => (await lstat(path)).mode & 0o777;

/** Open files of this process below `folder`. */
function openFiles(folder: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(folder) ? [target] : [];
    } catch {
      return [];
    }
  });
}

describe('file store', () => {
  test('makes its root and folders 0700 and its files 0600', async () => {
    const root = join(makeFolder(), 'root');
    const store = fileStore({ name: 'disk', root });

    await putBytes(store, 'a/b/c', 'x');

    expect(await modeOf(root)).toBe(0o700);
    expect(await modeOf(join(root, 'a'))).toBe(0o700);
    expect(await modeOf(join(root, 'a/b'))).toBe(0o700);
    expect(await modeOf(join(root, 'a/b/c'))).toBe(0o600);
  });

  test.skipIf(process.geteuid?.() !== 0)(
    'gives what root puts to the owner of its root',
    async () => {
      const folder = makeFolder();
      await chown(folder, 1234, 5678);
      const store = fileStore({ name: 'disk', root: folder });
      const owners = async (path: string) => {
        const { uid, gid, mode } = await lstat(join(folder, path));
        return [uid, gid, mode & 0o777];
      };

      await putBytes(store, 'a/b', 'x');
      await store.put(named('a/c'), bodyOf(bytesOf(10, 1)), { signal, onlyNew: true });

      expect(await owners('a')).toEqual([1234, 5678, 0o700]);
      expect(await owners('a/b')).toEqual([1234, 5678, 0o600]);
      expect(await owners('a/c')).toEqual([1234, 5678, 0o600]);
    },
  );

  test('keeps every object in a file of its name, with nothing beside it', async () => {
    const root = join(makeFolder(), 'root');
    const store = fileStore({ name: 'disk', root });

    await putBytes(store, 'a/b', 'x');
    await putBytes(store, 'a/b', 'y');

    expect(await readdir(root, { recursive: true })).toEqual(['a', 'a/b']);
  });

  test('touches nothing until it is used', async () => {
    const root = join(makeFolder(), 'root');

    fileStore({ name: 'disk', root });

    await expect(lstat(root)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('does not make a root whose parent is missing', async () => {
    const parent = join(makeFolder(), 'not-mounted');
    const store = fileStore({ name: 'disk', root: join(parent, 'root') });

    await expect(putBytes(store, 'a', 'x')).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringContaining(`${parent} does not exist; is its disk mounted?`),
    });
    await expect(namesIn(store)).rejects.toMatchObject({ code: 'store-failed' });
    await expect(lstat(parent)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('is of use as soon as the parent of its root appears', async () => {
    const parent = join(makeFolder(), 'late');
    const store = fileStore({ name: 'disk', root: join(parent, 'root') });
    await expect(putBytes(store, 'a', 'x')).rejects.toMatchObject({ code: 'store-failed' });

    await mkdir(parent);

    await putBytes(store, 'a', 'x');
    expect(await namesIn(store)).toEqual(['a']);
  });

  test('does not make a root again that vanished', async () => {
    const root = join(makeFolder(), 'root');
    const store = fileStore({ name: 'disk', root });
    await putBytes(store, 'a/b', 'x');

    await rm(root, { recursive: true });

    const failure = { code: 'store-failed', message: expect.stringContaining(root) };
    await expect(putBytes(store, 'a/b', 'x')).rejects.toMatchObject(failure);
    await expect(readBytes(store, 'a/b')).rejects.toMatchObject(failure);
    await expect(namesIn(store)).rejects.toMatchObject(failure);
    await expect(store.remove(named('a/b'), { signal })).rejects.toMatchObject(failure);
    await expect(lstat(root)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('refuses a root that is a file, or no absolute path', async () => {
    const file = join(makeFolder(), 'file');
    await writeFile(file, '');

    const onFile = fileStore({ name: 'disk', root: file });
    const relative = fileStore({ name: 'disk', root: 'some/where' });

    await expect(namesIn(onFile)).rejects.toMatchObject({ code: 'store-failed' });
    await expect(namesIn(relative)).rejects.toMatchObject({ code: 'store-failed' });
  });

  test('says which store, which path and why when a put fails', async () => {
    const root = join(makeFolder(), 'root');
    const store = fileStore({ name: 'disk', root });
    await putBytes(store, 'a', 'x');

    await expect(putBytes(store, 'a/b', 'x')).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringMatching(
        /store disk \(file .*\): cannot .*\/root\/a.*part of the path/,
      ),
    });
  });

  test('neither shows nor enters what is foreign', async () => {
    const outside = makeFolder();
    await writeFile(join(outside, 'secret'), 'of somebody else');
    const root = join(makeFolder(), 'root');
    const store = fileStore({ name: 'disk', root });
    await putBytes(store, 'a/b', 'x');
    await mkdir(join(root, 'lost+found'));
    await writeFile(join(root, 'lost+found', 'inode'), '');
    await writeFile(join(root, 'has space'), '');
    await symlink(join(outside, 'secret'), join(root, 'link'));
    await symlink(outside, join(root, 'folder'));

    expect(await namesIn(store)).toEqual(['a/b']);
    await expect(readBytes(store, 'link')).rejects.toMatchObject({ code: 'store-failed' });
    expect(await store.sweep(new Date('2200-01-01'), { signal })).toBe(0);
  });

  test('says object-damaged when a file shrinks while it is read', async () => {
    const root = join(makeFolder(), 'root');
    const store = fileStore({ name: 'disk', root });
    await putBytes(store, 'a', bytesOf(4 * 1024 * 1024, 1));
    const read = async () => {
      for await (const _ of store.get(named('a'), { signal })) await truncate(join(root, 'a'), 100);
    };

    await expect(read()).rejects.toMatchObject({
      code: 'object-damaged',
      message: expect.stringContaining('shrank'),
    });
  });

  test('reads an object to its end that is removed meanwhile', async () => {
    const store = fileStore({ name: 'disk', root: join(makeFolder(), 'root') });
    const bytes = bytesOf(4 * 1024 * 1024, 1);
    await putBytes(store, 'a', bytes);
    const chunks: Uint8Array[] = [];

    for await (const chunk of store.get(named('a'), { signal })) {
      if (chunks.length === 0) await store.remove(named('a'), { signal });
      chunks.push(Uint8Array.from(chunk));
    }

    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });

  test('keeps no file open when a reader stops early or a put fails', async () => {
    const root = join(makeFolder(), 'root');
    const store = fileStore({ name: 'disk', root });
    await putBytes(store, 'a', bytesOf(4 * 1024 * 1024, 1));

    for await (const _ of store.get(named('a'), { signal })) break;
    const wrong = { sizeBytes: 5, open: () => collect(store.get(named('a'), { signal })) };
    const body = {
      sizeBytes: wrong.sizeBytes,
      async *open() {
        yield* await wrong.open();
      },
    };
    await expect(store.put(named('b'), body, { signal })).rejects.toThrow();

    expect(openFiles(root)).toEqual([]);
  });
});
