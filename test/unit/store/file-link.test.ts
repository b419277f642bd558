/** Hard links instead of copies, and where a file store must copy all the same. */
import { chmod, lstat, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileStore } from '../../../src/store/file.ts';
import type { Body } from '../../../src/store/port.ts';
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
import { canMount, makeDisk, makeFolder } from './places.ts';

const bytes = bytesOf(200_000, 1);
const name = named('0123456789abcdef/object.db');

/** A finished file with a body that would give other bytes, to tell linking from copying. */
async function spooled(
  folder: string,
  copied: Uint8Array = bytes,
): Promise<Body & { file: string }> {
  const file = join(folder, 'spooled');
  await writeFile(file, bytes, { mode: 0o600 });
  return { ...bodyOf(copied), file };
}

function makeStore() {
  const folder = makeFolder();
  return {
    folder,
    root: join(folder, 'root'),
    store: fileStore({ name: 'disk', root: join(folder, 'root') }),
  };
}

describe('file store with a finished file on its file system', () => {
  test('links to the file instead of copying it', async () => {
    const { folder, root, store } = makeStore();
    const body = await spooled(folder, Buffer.alloc(bytes.byteLength));

    const { compared } = await store.put(name, body, { signal });

    expect(compared).toBe('same-file');
    expect((await lstat(join(root, name))).ino).toBe((await lstat(body.file)).ino);
    expect((await readBytes(store, name)).equals(bytes)).toBe(true);
  });

  test('keeps the object when the owner removes its own name of the file', async () => {
    const { folder, store } = makeStore();
    const body = await spooled(folder);
    await store.put(name, body, { signal });

    await rm(body.file);

    expect((await readBytes(store, name)).equals(bytes)).toBe(true);
  });

  test('replaces an object by a link, and a link by an object', async () => {
    const { folder, store } = makeStore();
    const body = await spooled(folder);
    await putBytes(store, name, 'old');

    await store.put(name, body, { signal });
    expect((await readBytes(store, name)).equals(bytes)).toBe(true);

    await putBytes(store, name, 'new');
    expect(String(await readBytes(store, name))).toBe('new');
    expect((await readFile(body.file)).equals(bytes)).toBe(true);
  });

  test('leaves nothing beside when the same file is put twice', async () => {
    const { folder, store } = makeStore();
    const body = await spooled(folder);

    await store.put(name, body, { signal });
    await store.put(name, body, { signal });

    expect(await namesIn(store)).toEqual([name]);
    expect(await store.sweep(farFuture, { signal })).toBe(0);
  });

  test('begins the grace of an orphan at the put, not when the file was written', async () => {
    const { folder, store } = makeStore();
    const body = await spooled(folder);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const written = (await lstat(body.file)).mtime;

    await store.put(name, body, { signal });

    expect((await store.stat(name, { signal })).modifiedAt > written).toBe(true);
  });

  test.each([-1, 1])('refuses a file whose size is off by %i', async (off) => {
    const { folder, store } = makeStore();
    const body = { ...(await spooled(folder)), sizeBytes: bytes.byteLength + off };

    await expect(store.put(name, body, { signal })).rejects.toMatchObject({ code: 'internal' });

    expect(await namesIn(store)).toEqual([]);
    expect(await store.sweep(farFuture, { signal })).toBe(0);
  });

  test('copies a file that others may read', async () => {
    const { folder, root, store } = makeStore();
    const body = await spooled(folder);
    await chmod(body.file, 0o644);

    const { compared } = await store.put(name, body, { signal });

    expect(compared).toBe('nothing');
    expect((await lstat(join(root, name))).mode & 0o777).toBe(0o600);
    expect((await lstat(body.file)).nlink).toBe(1);
  });

  test('copies what a symbolic link points to', async () => {
    const { folder, root, store } = makeStore();
    const body = await spooled(folder);
    await symlink(body.file, join(folder, 'link'));

    await store.put(name, { ...body, file: join(folder, 'link') }, { signal });

    expect((await lstat(join(root, name))).isFile()).toBe(true);
    expect((await readBytes(store, name)).equals(bytes)).toBe(true);
  });

  test('copies when the file is gone but the body still opens', async () => {
    const { folder, store } = makeStore();

    await store.put(name, { ...bodyOf(bytes), file: join(folder, 'never') }, { signal });

    expect((await readBytes(store, name)).equals(bytes)).toBe(true);
  });

  test.skipIf(!canMount())('copies a file of another file system (needs mount)', async () => {
    const disk = makeDisk('size=4m');
    const store = fileStore({ name: 'disk', root: join(disk, 'root') });
    const body = await spooled(makeFolder());

    const { compared } = await store.put(name, body, { signal });

    expect(disk.startsWith(tmpdir())).toBe(true);
    expect(compared).toBe('nothing');
    expect((await readBytes(store, name)).equals(bytes)).toBe(true);
  });
});
