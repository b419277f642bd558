import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { examinePlace, requireWithin } from '../../../src/datadir/place.ts';
import { canMount, ground, isRoot, mounted, oldData, smallDisk } from './ground.ts';

const refused = (reason: RegExp | string) => ({
  code: 'restore-refused',
  message:
    typeof reason === 'string' ? expect.stringContaining(reason) : expect.stringMatching(reason),
});

describe('a place for a data directory', () => {
  test('is absent, empty, holds a member or something foreign', async () => {
    const folder = ground();
    for (const name of ['empty', 'foreign', 'kept', 'fresh']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'foreign', 'notes.txt'), 'mine');
    mkdirSync(join(folder, 'kept', 'member.before-restore-20260101T000000Z'));
    mkdirSync(join(folder, 'fresh', 'lost+found'));
    oldData(join(folder, 'member'));

    const names = ['absent', 'empty', 'member', 'foreign', 'kept', 'fresh'];
    const places = await Promise.all(names.map((name) => examinePlace(join(folder, name))));

    expect(places.map(({ state }) => state)).toEqual([
      ...['absent', 'empty', 'member', 'foreign'],
      // Only a mount point keeps these; elsewhere the folder would be replaced with them in it.
      ...['foreign', 'foreign'],
    ]);
    expect(places.map(({ isMountPoint }) => isMountPoint)).toEqual(names.map(() => false));
    expect(places[2]?.identity).toMatchObject({ cluster: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(places[3]?.identity).toBeUndefined();
  });

  test('is the same place however its path is written', async () => {
    const folder = ground();
    oldData(join(folder, 'etcd'));

    const { dir, state } = await examinePlace(`${folder}/other/..//etcd/`);

    expect({ dir, state }).toEqual({ dir: join(folder, 'etcd'), state: 'member' });
  });

  test('is no file, no link, and in no folder that is missing, a file or a link', async () => {
    const folder = ground();
    mkdirSync(join(folder, 'real'));
    writeFileSync(join(folder, 'file'), '');
    symlinkSync(join(folder, 'real'), join(folder, 'link'));
    symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'));
    const at = (path: string) => examinePlace(join(folder, path));

    await expect(at('file')).rejects.toMatchObject(refused('is no folder'));
    await expect(at('link')).rejects.toMatchObject(refused('is a link'));
    await expect(at('dangling')).rejects.toMatchObject(refused('is a link'));
    await expect(at('link/etcd')).rejects.toMatchObject(refused('is a link'));
    await expect(at('dangling/etcd')).rejects.toMatchObject(refused('is a link'));
    await expect(at('missing/etcd')).rejects.toMatchObject(refused('is no folder'));
    await expect(at('file/etcd')).rejects.toMatchObject(refused('is no folder'));
    await expect(at('file/x/etcd')).rejects.toMatchObject(refused('cannot be looked at'));
  });

  test.runIf(isRoot)('belongs to the member that is there, else to the folder', async () => {
    const folder = ground();
    oldData(join(folder, 'etcd'));
    chownSync(join(folder, 'etcd', 'member'), 1234, 2345);
    mkdirSync(join(folder, 'empty'));
    chownSync(join(folder, 'empty'), 3456, 4567);
    chownSync(folder, 5678, 6789);

    const owner = async (name: string) => (await examinePlace(join(folder, name))).owner;

    expect(await owner('etcd')).toEqual({ uid: 1234, gid: 2345 });
    expect(await owner('empty')).toEqual({ uid: 3456, gid: 4567 });
    expect(await owner('absent')).toEqual({ uid: 5678, gid: 6789 });
  });

  test.runIf(isRoot)('will belong to whoever restores, unless that is root', () => {
    const folder = ground();
    chmodSync(folder, 0o777);
    const module = join(import.meta.dirname, '..', '..', '..', 'src', 'datadir', 'place.ts');
    const script = `
      process.setgid(65534); process.setuid(65534);
      const { examinePlace } = await import(${JSON.stringify(module)});
      const { owner } = await examinePlace(${JSON.stringify(join(folder, 'absent'))});
      console.log(JSON.stringify(owner));`;

    const words = ['--input-type=module', '--eval', script];
    const told = execFileSync(process.execPath, words, { encoding: 'utf8' });

    expect(JSON.parse(told)).toEqual({ uid: 65534, gid: 65534 });
  });

  test.runIf(canMount())('is a mount point with a disk of its own, and with none', async () => {
    const folder = ground();
    const disk = smallDisk(join(folder, 'disk'));
    mkdirSync(join(folder, 'real'));
    const bound = mounted(join(folder, 'bound to a name'), ['--bind', join(folder, 'real')]);
    mkdirSync(join(disk, 'lost+found'));
    mkdirSync(join(bound, 'member.before-restore-20260101T000000Z'));

    const isMountPoint = true;
    expect(await examinePlace(disk)).toMatchObject({ isMountPoint, state: 'empty' });
    expect(await examinePlace(bound)).toMatchObject({ isMountPoint, state: 'empty' });
    expect(await examinePlace(join(folder, 'real'))).toMatchObject({ isMountPoint: false });
    expect(await examinePlace(join(disk, 'etcd'))).toMatchObject({ isMountPoint: false });
  });
});

describe('restore.roots', () => {
  test('hold what is below them, also by way of links', async () => {
    const folder = ground();
    mkdirSync(join(folder, 'roots', 'deep'), { recursive: true });
    symlinkSync(join(folder, 'roots'), join(folder, 'linked'));

    for (const dir of ['roots/etcd', 'roots/deep/etcd', 'linked/etcd', 'roots/deep/../etcd']) {
      await requireWithin(join(folder, dir), [join(folder, 'roots')]);
      await requireWithin(`${folder}/${dir}`, [join(folder, 'linked')]);
      await requireWithin(`${folder}/${dir}`, ['/nowhere-else', '/']);
    }
  });

  test('do not hold themselves, what only begins like them, nor what leads out of them', async () => {
    const folder = ground();
    for (const name of ['roots/deep', 'roots-2', 'outside']) {
      mkdirSync(join(folder, name), { recursive: true });
    }
    symlinkSync(join(folder, 'outside'), join(folder, 'roots', 'exit'));
    const roots = [join(folder, 'roots')];

    for (const dir of ['roots', 'roots/', 'roots-2/etcd', 'outside/etcd', 'roots/exit/etcd']) {
      const at = `${folder}/${dir}`;
      await expect(requireWithin(at, roots)).rejects.toMatchObject(refused('outside of restore'));
    }
    for (const dir of ['roots/..', 'roots/deep/..', 'roots/../outside', 'roots/deep/../../x']) {
      const at = `${folder}/${dir}`;
      await expect(requireWithin(at, roots)).rejects.toMatchObject(refused('outside of restore'));
    }
  });

  test('hold nothing whose folder is missing, and nothing when there are none', async () => {
    const folder = ground();

    const missing = requireWithin(join(folder, 'missing', 'etcd'), [folder]);
    await expect(missing).rejects.toMatchObject(refused('there is no'));
    await expect(requireWithin(join(folder, 'etcd'), [])).rejects.toMatchObject(
      refused('it names none'),
    );
  });
});
