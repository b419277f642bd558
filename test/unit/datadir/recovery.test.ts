import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { examinePlace } from '../../../src/datadir/place.ts';
import { recoverPlace } from '../../../src/datadir/swap.ts';
import { built, canMount, dataAt, ground, namesIn, oldData, smallDisk } from './ground.ts';

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
