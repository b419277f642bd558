import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { examinePlace } from '../../../src/datadir/place.ts';
import { swapIn } from '../../../src/datadir/swap.ts';
import { built, canMount, dataAt, ground, mounted, namesIn, oldData, smallDisk } from './ground.ts';

const now = new Date('2026-11-20T15:45:00.123Z');
const stamp = '20261120T154500Z';

let folder: string;
let dir: string;
let aside: string;
beforeEach(() => {
  folder = ground();
  dir = join(folder, 'etcd');
  aside = `${dir}.before-restore-${stamp}`;
});

describe('the swap', () => {
  test('moves a member aside, as it is, and the new one in', async () => {
    oldData(dir);
    await using building = await built(dir);

    const moved = await swapIn(building, await examinePlace(dir), now);

    expect(moved).toBe(aside);
    expect([dataAt(dir), dataAt(aside)]).toEqual(['restored', 'old']);
    expect(namesIn(folder)).toEqual(['etcd', 'etcd.before-restore-TIME']);
  });

  test('moves foreign files aside with their folder', async () => {
    mkdirSync(dir);
    writeFileSync(join(dir, 'notes.txt'), 'mine');
    await using building = await built(dir);

    const moved = await swapIn(building, await examinePlace(dir), now);

    expect(moved).toBe(aside);
    expect(readFileSync(join(aside, 'notes.txt'), 'utf8')).toBe('mine');
  });

  test('has nothing to move where nothing is', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    for (const at of [dir, empty]) {
      await using building = await built(at);

      expect(await swapIn(building, await examinePlace(at), now)).toBeNull();

      expect(dataAt(at)).toBe('restored');
    }
    expect(namesIn(folder)).toEqual(['empty', 'etcd']);
  });

  test('gives what is moved in one second names of its own', async () => {
    oldData(dir);
    for (const name of ['', '-2', '-3']) {
      await using building = await built(dir);

      expect(await swapIn(building, await examinePlace(dir), now)).toBe(`${aside}${name}`);
    }
    expect(['', '-2', '-3'].map((name) => dataAt(`${aside}${name}`))).toEqual([
      ...['old', 'restored', 'restored'],
    ]);
  });

  test('never takes what came into an empty folder meanwhile', async () => {
    mkdirSync(dir);
    const place = await examinePlace(dir);
    await using building = await built(dir);
    writeFileSync(join(dir, 'new.txt'), 'just written');

    await expect(swapIn(building, place, now)).rejects.toMatchObject({ code: 'restore-failed' });

    expect(readFileSync(join(dir, 'new.txt'), 'utf8')).toBe('just written');
    expect(readdirSync(folder).toSorted()).toEqual([
      'etcd',
      building.root.slice(folder.length + 1),
    ]);
  });

  test('puts the old data back when the new cannot come', async () => {
    oldData(dir);
    const building = await built(dir);
    rmSync(building.root, { recursive: true });

    await expect(swapIn(building, await examinePlace(dir), now)).rejects.toMatchObject({
      code: 'restore-failed',
      message: expect.stringMatching(/cannot put the new data directory in the place of.*ENOENT/),
    });

    expect(dataAt(dir)).toBe('old');
    expect(namesIn(folder)).toEqual(['etcd']);
  });

  test.runIf(canMount())('exchanges only the member of a mount point', async () => {
    smallDisk(dir);
    mkdirSync(join(folder, 'real'));
    const bound = mounted(join(folder, 'bound'), ['--bind', join(folder, 'real')]);
    for (const at of [dir, bound]) {
      mkdirSync(join(at, 'lost+found'));
      oldData(at);
      await using building = await built(at);

      const moved = await swapIn(building, await examinePlace(at), now);

      expect(moved).toBe(join(at, `member.before-restore-${stamp}`));
      expect(dataAt(at)).toBe('restored');
      expect(existsSync(join(moved ?? '', 'snap', 'db'))).toBe(true);
      await building[Symbol.asyncDispose]();
      expect(namesIn(at)).toEqual(['lost+found', 'member', 'member.before-restore-TIME']);
    }
    expect(namesIn(folder)).toEqual(['bound', 'etcd', 'real']);
  });

  test.runIf(canMount())('leaves nothing where the disk has no room for its note', async () => {
    smallDisk(folder);
    oldData(dir);
    await using building = await built(dir);
    const ballast = join(folder, 'ballast');
    expect(() => writeFileSync(ballast, Buffer.alloc(500 * 1024 * 1024))).toThrow(/ENOSPC/);

    await expect(swapIn(building, await examinePlace(dir), now)).rejects.toMatchObject({
      code: 'restore-full',
    });

    await building[Symbol.asyncDispose]();
    expect(dataAt(dir)).toBe('old');
    expect(namesIn(folder)).toEqual(['ballast', 'etcd']);
  });
});
