/** The store of type nfs on a mount that fails and hangs as it is told, in the kernel's own way. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { nfsStore } from '../../src/store/nfs/store.ts';
import type { Store } from '../../src/store/port.ts';
import {
  bytesOf,
  farFuture,
  named,
  namesIn,
  putBytes,
  readBytes,
  signal,
} from '../contract/store-bodies.ts';
import { type FaultyMount, fuseHere, mountFaulty } from '../support/faulty-mount.ts';
import { childrenOf, isRunning } from '../support/nfs-children.ts';

const { packages, skip } = await fuseHere();
const stallMs = 2000;
const name = named('0123456789abcdef/object.db');
const old = bytesOf(300_000, 1);

let mount: FaultyMount;
let store: Required<Store>;

const openStore = () =>
  nfsStore({ name: 'nas', root: join(mount.point, 'root'), mountPoint: mount.point, stallMs });

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(20);
}

describe.skipIf(skip !== undefined)(`a mount with faults (${skip ?? 'FUSE'})`, () => {
  beforeAll(async () => {
    if (packages !== undefined) mount = await mountFaulty(packages);
  });
  afterAll(() => mount?.[Symbol.asyncDispose]());

  beforeEach(async () => {
    mount.set();
    store = openStore();
    await putBytes(store, name, old);
  });
  afterEach(async () => {
    mount.set();
    await store[Symbol.asyncDispose]();
  });

  test.each([
    ['write:ENOSPC', 'store-full', 'no space left', 'keep fewer backups'],
    ['write:EDQUOT', 'store-full', 'the quota is used up', 'Raise the quota on the server'],
    ['flush:EDQUOT', 'store-full', 'the quota is used up', 'Raise the quota on the server'],
    ['fsync:EIO', 'store-failed', 'the disk reports an error', 'soft'],
    ['fsync:ESTALE', 'store-failed', 'no longer knows the file', 'mount it again'],
    ['create:EROFS', 'store-denied', 'the file system is read-only', 'export it so'],
    ['create:EACCES', 'store-denied', 'permission denied', 'root_squash'],
    ['rename:EROFS', 'store-denied', 'the file system is read-only', 'export it so'],
    ['rename:ETIMEDOUT', 'store-failed', 'did not answer in time', 'check'],
  ])('that says %s fails a put as %s; the old object stays', async (fault, code, reason, hint) => {
    mount.set(fault);

    await expect(putBytes(store, name, bytesOf(400_000, 2))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(new RegExp(`^store nas \\(nfs /.*${reason}`)),
      hint: expect.stringContaining(hint),
    });
    await expect(store.examine(named('probe'), { signal })).rejects.toMatchObject({ code });

    mount.set();
    expect((await readBytes(store, name)).equals(old)).toBe(true);
    expect(await namesIn(store)).toEqual([name]);
    expect(await store.sweep(farFuture, { signal })).toBe(0);
  });

  test.each([
    // The system itself tries twice: the third time is ours.
    ['open:ESTALE:2', 'when it is opened'],
    ['read:ESTALE:2', 'when it is read'],
  ])('that forgot an object (%s) gives it all the same, looked up anew', async (fault) => {
    mount.set(fault);

    expect((await readBytes(store, name)).equals(old)).toBe(true);
  });

  test('that forgot a folder lists it all the same', async () => {
    mount.set('readdir:ESTALE:1');

    expect(await namesIn(store)).toEqual([name]);
  });

  test('that forgets an object for good says so', async () => {
    mount.set('read:ESTALE');

    await expect(readBytes(store, name)).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringContaining('the NFS server no longer knows the file'),
    });
  });

  test('that hangs ends in a limit, though nothing can kill who hangs there', async () => {
    mount.set('fsync:hang');
    const [worker = 0] = childrenOf();

    await expect(putBytes(store, name, 'new')).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringContaining('no answer for 2 s'),
    });
    await sleep(200);
    const stays = isRunning(worker);
    const read = await readBytes(store, name);
    mount.set();

    expect(stays).toBe(true);
    expect(read.equals(old)).toBe(true);
    await until(() => !isRunning(worker));
    expect((await readBytes(store, name)).equals(old)).toBe(true);
  });

  test('that hangs is given four processes and no more, and all is well when it answers', async () => {
    mount.set('*:hang');
    const seen = new Set<number>();
    for (let at = 0; at < 4; at += 1) {
      const call = namesIn(store);
      for (const id of childrenOf()) seen.add(id);
      await expect(call).rejects.toMatchObject({
        message: expect.stringContaining('no answer for 2 s'),
      });
    }
    const startedMs = performance.now();

    await expect(namesIn(store)).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringContaining('4 processes hang in its mount'),
    });
    const tookMs = performance.now() - startedMs;
    const workers = [...seen];
    const stay = workers.filter(isRunning);
    mount.set();
    await until(() => !workers.some(isRunning));

    expect(tookMs).toBeLessThan(500);
    expect(stay).toHaveLength(4);
    expect(await namesIn(store)).toEqual([name]);
  });

  test('that hangs does not keep a program from its end', async () => {
    const script = join(import.meta.dirname, '..', 'support', 'nfs-caller.ts');
    const caller = spawn(process.execPath, [script, join(mount.point, 'root'), 'stall'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(caller.stdout, 'data');
    mount.set('*:hang');
    const [worker = 0] = childrenOf(caller.pid);

    const [said] = (await once(caller.stdout, 'data')) as [Buffer];
    const startedMs = performance.now();
    const [code] = await once(caller, 'exit');

    expect({ code, said: String(said) }).toEqual({ code: 0, said: 'store-failed\n' });
    expect(performance.now() - startedMs).toBeLessThan(1000);
    expect(isRunning(worker)).toBe(true);
    mount.set();
    await until(() => !isRunning(worker));
  });
});
