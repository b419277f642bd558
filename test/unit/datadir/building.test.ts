import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { Building } from '../../../src/datadir/building.ts';
import { datadirFailure } from '../../../src/datadir/failure.ts';
import {
  initRecordPath,
  readInitRecord,
  writeInitRecord,
} from '../../../src/datadir/init-record.ts';
import { examinePlace } from '../../../src/datadir/place.ts';
import {
  built,
  canMount,
  clusterOf,
  ground,
  isRoot,
  MiB,
  namesIn,
  oldData,
  rightsBelow,
  smallDisk,
} from './ground.ts';

const as = { bumpRevision: null, clearAlarms: false, forgetVersions: false };

describe('a data directory that is being made', () => {
  test('lies beside its place under another name, and goes when it is given up', async () => {
    const folder = ground();
    const dir = join(folder, 'etcd');

    const building = await built(dir);

    expect(dirname(building.root)).toBe(folder);
    expect(building.root.startsWith(`${dir}.restoring-`)).toBe(true);
    await building[Symbol.asyncDispose]();
    expect(namesIn(folder)).toEqual([]);
  });

  test('is for its owner alone, whatever the mask of the process', async () => {
    const before = process.umask(0);
    try {
      const building = await built(join(ground(), 'etcd'));

      const rights = new Set(Object.entries(rightsBelow(building.root)).map(kindOf));

      const { uid, gid } = statSync(building.root);
      expect([...rights].toSorted()).toEqual([
        `file 600 ${uid}:${gid}`,
        `folder 700 ${uid}:${gid}`,
      ]);
    } finally {
      process.umask(before);
    }
  });

  test.runIf(isRoot)('is given to another owner with all that is in it', async () => {
    const building = await built(join(ground(), 'etcd'));

    await building.settle({ uid: 1234, gid: 2345 });

    const rights = new Set(Object.entries(rightsBelow(building.root)).map(kindOf));
    expect([...rights].toSorted()).toEqual(['file 600 1234:2345', 'folder 700 1234:2345']);
  });

  test('has one database, one log and one snapshot of the new member', async () => {
    const building = await built(join(ground(), 'etcd'));

    expect(Object.keys(rightsBelow(join(building.root, 'member')))).toEqual([
      ...['.', 'snap', 'snap/0000000000000001-0000000000000001.snap', 'snap/db'],
      ...['wal', 'wal/0000000000000000-0000000000000000.wal'],
    ]);
    const { identity } = await examinePlace(building.root);
    expect(identity?.cluster).toBe(clusterOf('new').id.toString(16).padStart(16, '0'));
  });

  test('is not for a member that the cluster does not have', async () => {
    const place = await examinePlace(join(ground(), 'etcd'));
    await using building = await Building.begin(place, 100);

    const become = building.become('m7', { ...as, cluster: clusterOf('new') }, 100);

    await expect(become).rejects.toMatchObject({ code: 'usage' });
  });

  test('is not begun where nothing can be made', async () => {
    const folder = ground();
    const place = await examinePlace(join(folder, 'file', '..', 'etcd'));
    writeFileSync(join(folder, 'file'), '');

    const begun = Building.begin({ ...place, dir: join(folder, 'file', 'etcd') }, 100);

    await expect(begun).rejects.toMatchObject({
      code: 'restore-failed',
      message: expect.stringContaining('ENOTDIR'),
    });
    expect(namesIn(folder)).toEqual(['file']);
  });

  test.runIf(canMount())('is not begun where it would not fit', async () => {
    const folder = smallDisk(join(ground(), 'disk'), 160 * MiB);
    const place = await examinePlace(join(folder, 'etcd'));

    await expect(Building.begin(place, 33 * MiB)).rejects.toMatchObject({
      code: 'restore-full',
      message: `the restore needs 161 MiB, ${folder} has 160 MiB free`,
    });

    expect(namesIn(folder)).toEqual([]);
    await using building = await Building.begin(place, 30 * MiB);
    expect(building.root.startsWith(folder)).toBe(true);
  });

  test.runIf(canMount())('lies in the mount point that it is for', async () => {
    const folder = smallDisk(join(ground(), 'disk'));
    oldData(folder);

    const building = await built(folder);

    expect(building.root.startsWith(join(folder, 'member.restoring-'))).toBe(true);
  });
});

function kindOf([name, rights]: [string, string]): string {
  return /\.(wal|snap)$|db$/.test(name) ? `file ${rights}` : `folder ${rights}`;
}

describe('a fault of the disk', () => {
  test('is restore-full when something ran out, else restore-failed', () => {
    const coded = (code: string) => Object.assign(new Error(`${code}: no`), { code });
    const codeOf = (error: unknown) => datadirFailure(error, 'write').code;

    expect(['ENOSPC', 'EDQUOT', 'EFBIG'].map((code) => codeOf(coded(code)))).toEqual([
      ...['restore-full', 'restore-full', 'restore-full'],
    ]);
    expect(['EIO', 'EROFS', 'EACCES'].map((code) => codeOf(coded(code)))).toEqual([
      ...['restore-failed', 'restore-failed', 'restore-failed'],
    ]);
    expect(datadirFailure(coded('EIO'), 'write /x').message).toBe('cannot write /x: EIO: no');
  });

  test('is not told as one of the spool, and other failures stay what they are', () => {
    const of = (code: 'spool-full' | 'spool-failed' | 'snapshot-corrupt') =>
      datadirFailure(new Failure(code, 'the reason'), 'write');

    expect(of('spool-full')).toMatchObject({ code: 'restore-full', message: 'the reason' });
    expect(of('spool-failed')).toMatchObject({ code: 'restore-failed', message: 'the reason' });
    expect(of('spool-full').hint).toContain('beside the data directory');
    expect(of('snapshot-corrupt').code).toBe('snapshot-corrupt');
  });
});

describe('the record of an automatic start', () => {
  test('is beside the data directory, for its owner alone, and says what was written', async () => {
    const folder = ground();
    const place = await examinePlace(join(folder, 'etcd'));
    expect(await readInitRecord(place)).toBeUndefined();

    await writeInitRecord(place, 'restored once');
    await writeInitRecord(place, 'restored from backup x');

    expect(initRecordPath(place)).toBe(join(folder, 'etcd.init-record'));
    expect(await readInitRecord(place)).toBe('restored from backup x');
    expect(rightsBelow(folder)['etcd.init-record']).toMatch(/^600 /);
    expect(namesIn(folder)).toEqual(['etcd.init-record']);
  });

  test('is not taken for missing when it cannot be read', async () => {
    const folder = ground();
    mkdirSync(join(folder, 'etcd.init-record'));
    const place = await examinePlace(join(folder, 'etcd'));

    await expect(readInitRecord(place)).rejects.toMatchObject({ code: 'restore-failed' });
  });

  test.runIf(canMount())('is inside of a mount point, which stays empty with it', async () => {
    const dir = smallDisk(join(ground(), 'disk'));
    const place = await examinePlace(dir);

    await writeInitRecord(place, 'restored once');

    expect(namesIn(dir)).toEqual(['member.init-record']);
    expect(await examinePlace(dir)).toMatchObject({ state: 'empty' });
    chmodSync(dir, 0o700);
  });
});
