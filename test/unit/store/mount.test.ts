/** Where disks are mounted, as the system tells it. */
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fileStore } from '../../../src/store/file.ts';
import { isMountPoint, mountOf, mountPointOf, parseMounts } from '../../../src/store/mount.ts';
import { namesIn, putBytes } from '../../contract/store-bodies.ts';
import { canMount, makeDisk, makeFolder, unmount } from './places.ts';

/** Shows the folder `from` at a new folder, too. */
async function bindMount(from: string): Promise<string> {
  const at = makeFolder();
  expect(spawnSync('mount', ['--bind', from, at]).status).toBe(0);
  onTestFinished(() => unmount(at));
  return at;
}

describe('the list of mounts', () => {
  test('tells point, type, source and options, with and without optional fields', () => {
    const text =
      '36 35 98:0 / /var ro,noatime master:1 shared:2 - ext4 /dev/sdb1 rw,errors=continue\n' +
      '40 35 0:52 / /mnt/nas rw,relatime - nfs4 10.0.0.9:/backups rw,vers=4.2,hard\n';

    expect(parseMounts(text)).toEqual([
      {
        point: '/var',
        type: 'ext4',
        source: '/dev/sdb1',
        options: ['ro', 'noatime', 'rw', 'errors=continue'],
      },
      {
        point: '/mnt/nas',
        type: 'nfs4',
        source: '10.0.0.9:/backups',
        options: ['rw', 'relatime', 'rw', 'vers=4.2', 'hard'],
      },
    ]);
  });

  test('tells names with blanks as they are', () => {
    const [mount] = parseMounts(String.raw`1 2 0:5 / /mnt/my\040disk\134 rw - tmpfs no\040ne rw`);

    expect(mount).toMatchObject({ point: '/mnt/my disk\\', source: 'no ne' });
  });
});

describe.skipIf(!canMount())('a mount point (needs mount)', () => {
  test('is found for what lies below it, also through a link', async () => {
    const disk = makeDisk('size=1m');
    await mkdir(join(disk, 'below'));
    const link = join(makeFolder(), 'link');
    await symlink(join(disk, 'below'), link);

    expect(await mountPointOf(link)).toBe(disk);
    expect(await mountOf(link)).toMatchObject({ point: disk, type: 'tmpfs' });
    expect(await isMountPoint(disk)).toBe(true);
    expect(await isMountPoint(join(disk, 'below'))).toBe(false);
  });

  test('may be a folder of the same disk, shown at another place', async () => {
    const point = await bindMount(makeFolder());

    expect(await isMountPoint(point)).toBe(true);
    unmount(point);
    expect(await isMountPoint(point)).toBe(false);
  });

  test('that is a bind mount and is lost fails the store, which makes nothing', async () => {
    const point = await bindMount(makeFolder());
    const store = fileStore({ name: 'disk', root: join(point, 'root'), mountPoint: point });
    await putBytes(store, 'a', 'x');
    unmount(point);

    await expect(namesIn(store)).rejects.toMatchObject({ code: 'store-failed' });
    await expect(putBytes(store, 'a', 'x')).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringContaining(`no disk is mounted at ${point}`),
    });
    expect(await readdir(point)).toEqual([]);
  });

  test('is not enough where a link leads out of it', async () => {
    const disk = makeDisk('size=1m');
    const outside = makeFolder();
    await symlink(outside, join(disk, 'root'));
    const store = fileStore({ name: 'disk', root: join(disk, 'root'), mountPoint: disk });

    await expect(putBytes(store, 'a', 'x')).rejects.toMatchObject({
      message: expect.stringContaining(`${outside} is not below ${disk}`),
    });
    expect(await readdir(outside)).toEqual([]);
  });
});

describe('a store of kind nfs', () => {
  test('refuses every call where no NFS is mounted, and makes nothing', async () => {
    const folder = makeFolder();
    const store = fileStore({ name: 'nas', kind: 'nfs', root: join(folder, 'root') });

    const failure = {
      code: 'store-failed',
      message: `store nas (nfs ${folder}/root): no NFS is mounted at or above ${folder}`,
    };
    await expect(putBytes(store, 'a', 'x')).rejects.toMatchObject(failure);
    await expect(namesIn(store)).rejects.toMatchObject(failure);
    expect(await readdir(folder)).toEqual([]);
  });
});
