import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { examinePlace } from '../../../src/datadir/place.ts';
import { recoverPlace, swapIn } from '../../../src/datadir/swap.ts';
import { built, canMount, dataAt, ground, mounted, namesIn, oldData, smallDisk } from './ground.ts';

const now = new Date('2026-11-20T15:45:00.123Z');
const stamp = '20261120T154500Z';

let folder: string;
let dir: string;
let aside: string;
let note: string;
beforeEach(() => {
  folder = ground();
  dir = join(folder, 'etcd');
  aside = `${dir}.before-restore-${stamp}`;
  note = `${dir}.restore-note`;
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

describe('after a kill', () => {
  const recover = async () => recoverPlace(await examinePlace(dir));

  test.for(['', '{"aside":"/wh', 'null', '7', '{}', '{"aside":7}'])(
    'a note that says "%s" was cut off before anything was moved',
    async (text) => {
      oldData(dir);
      writeFileSync(note, text);

      expect(await recover()).toEqual([]);

      expect(dataAt(dir)).toBe('old');
      expect(namesIn(folder)).toEqual(['etcd']);
    },
  );

  test('a note of what was not moved yet is removed', async () => {
    oldData(dir);
    writeFileSync(note, JSON.stringify({ aside }));

    expect(await recover()).toEqual([]);

    expect(dataAt(dir)).toBe('old');
    expect(namesIn(folder)).toEqual(['etcd']);
  });

  test('what was moved is put back while nothing has taken its place', async () => {
    oldData(dir);
    writeFileSync(note, JSON.stringify({ aside }));
    renameSync(dir, aside);

    expect(await recover()).toEqual([
      `${dir} was put back, which a killed restore had moved aside`,
    ]);

    expect(dataAt(dir)).toBe('old');
    expect(namesIn(folder)).toEqual(['etcd']);
    expect(await recover()).toEqual([]);
  });

  test('what was moved is put back over the empty folder that was made instead', async () => {
    oldData(dir);
    writeFileSync(note, JSON.stringify({ aside }));
    renameSync(dir, aside);
    mkdirSync(dir);

    await recover();

    expect(dataAt(dir)).toBe('old');
    expect(namesIn(folder)).toEqual(['etcd']);
  });

  test('what has taken the place stays, and it is told where the old data is', async () => {
    oldData(aside);
    oldData(dir, 'new');
    writeFileSync(note, JSON.stringify({ aside }));

    expect(await recover()).toEqual([`${aside} is what lay at ${dir} before a killed restore`]);

    expect([dataAt(dir), dataAt(aside)]).toEqual(['new', 'old']);
    expect(existsSync(note)).toBe(false);
  });

  test('a note is not followed to what no restore has moved', async () => {
    const other = join(folder, 'other');
    oldData(other, 'other');
    writeFileSync(note, JSON.stringify({ aside: other }));

    expect(await recover()).toEqual([]);

    expect(namesIn(folder)).toEqual(['other']);
  });

  test('what was being built is removed, and nothing else', async () => {
    const left = `${dir}.restoring-0badcafe`;
    oldData(left, 'half');
    oldData(aside);
    oldData(join(folder, 'etcd2.restoring-0badcafe'), 'another');
    writeFileSync(join(folder, 'etcd.init-record'), 'restored once');

    expect(await recover()).toEqual([`${left} removed, which a killed restore had left`]);

    expect(namesIn(folder)).toEqual([
      ...['etcd.before-restore-TIME', 'etcd.init-record', 'etcd2.restoring-0badcafe'],
    ]);
  });

  test('nothing is touched while another restore is alive', async () => {
    oldData(dir);
    const building = await built(dir);
    writeFileSync(note, JSON.stringify({ aside }));
    renameSync(dir, aside);

    await expect(recover()).rejects.toMatchObject({
      code: 'restore-refused',
      message: `process ${process.pid} is restoring into ${dir} already`,
    });

    expect(existsSync(join(building.root, 'member', 'snap', 'db'))).toBe(true);
    expect(dataAt(aside)).toBe('old');
    await building[Symbol.asyncDispose]();
    expect(await recover()).toHaveLength(1);
    expect(namesIn(folder)).toEqual(['etcd']);
  });

  test.runIf(canMount())('the member of a mount point is put back', async () => {
    smallDisk(dir);
    oldData(dir);
    const member = join(dir, 'member');
    const moved = join(dir, `member.before-restore-${stamp}`);
    writeFileSync(join(dir, 'member.restore-note'), JSON.stringify({ aside: moved }));
    renameSync(member, moved);
    oldData(join(dir, 'member.restoring-0badcafe'), 'half');

    expect(await recover()).toHaveLength(2);

    expect(dataAt(dir)).toBe('old');
    expect(namesIn(dir)).toEqual(['member']);
  });
});
