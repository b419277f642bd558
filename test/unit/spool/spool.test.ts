import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { SpoolFile } from '../../../src/spool/file.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import { canMount, disk, folder, MiB } from './disks.ts';

/** What the spool leaves to others on its disk. */
const reserveBytes = 64 * MiB;
/** More than any disk has. */
const hugeBytes = 2 ** 50;

const spoolIn = (dir: string, maxBytes = 0) => openSpool({ dir, maxBytes });

/** When a process was started, as its spool files carry it. */
function startOf(pid: number): string {
  const file = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return file.slice(file.lastIndexOf(') ') + 2).split(' ')[19] as string;
}

/** Another process with one spool file in the folder. */
async function otherProcess(dir: string) {
  const program = join(import.meta.dirname, 'other-process.ts');
  const child = spawn(process.execPath, [program, dir], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [name] = await once(child.stdout, 'data');
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { name: String(name), pid: Number(child.pid), kill, [Symbol.asyncDispose]: kill };
}

describe('a new spool file', () => {
  test('lies in the folder, which is made for it, private to its owner', async () => {
    using place = folder();
    const dir = join(place.path, 'a', 'spool');

    await using file = await spoolIn(dir).create(1000);

    expect(join(dir, basename(file.path))).toBe(file.path);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(statSync(file.path)).toMatchObject({ size: 0 });
    expect(statSync(file.path).mode & 0o777).toBe(0o600);
  });

  test('has a name of its own, with the process that writes it', async () => {
    using place = folder();
    const spool = spoolIn(place.path);
    await using made = new AsyncDisposableStack();
    const files: SpoolFile[] = [];
    for (let count = 0; count < 3; count++) files.push(made.use(await spool.create(0)));

    const names = files.map((file) => basename(file.path));

    expect(names).toEqual(
      [1, 2, 3].map((count) => `snapshot-${process.pid}-${startOf(process.pid)}-${count}.part`),
    );
    expect(place.names()).toEqual(names);
  });

  test('never takes the place of another file', async () => {
    using place = folder();
    await using _first = await spoolIn(place.path).create(0);

    await expect(spoolIn(place.path).create(0)).rejects.toMatchObject({
      code: 'spool-failed',
      message: expect.stringMatching(/^cannot create .+\.part: EEXIST/),
    });
  });

  test('is not made where there can be no folder', async () => {
    using place = folder();
    const dir = join(place.path, 'file', 'spool');
    writeFileSync(join(place.path, 'file'), '');

    await expect(spoolIn(dir).create(0)).rejects.toMatchObject({
      code: 'spool-failed',
      message: expect.stringMatching(/^cannot make the spool folder .+: ENOTDIR/),
    });
  });
});

describe('the space for a snapshot', () => {
  test('may be all that the settings allow, and not a byte more', async () => {
    using place = folder();
    const spool = spoolIn(place.path, MiB);

    await expect(spool.create(MiB + 1)).rejects.toMatchObject({
      code: 'spool-full',
      message: expect.stringContaining('spool.maxBytes is 1'),
      context: { dir: place.path, expectedBytes: MiB + 1 },
    });
    expect(place.names()).toEqual([]);
    await using _file = await spool.create(MiB);
    expect(place.names()).toHaveLength(1);
  });

  test('is looked for on the disk before the file is made', async () => {
    using place = folder();

    await expect(spoolIn(place.path).create(hugeBytes)).rejects.toMatchObject({
      code: 'spool-full',
      message: expect.stringMatching(/^the snapshot needs .+ free \(64.+ stay free\)$/),
      context: { dir: place.path, expectedBytes: hugeBytes },
    });
    expect(place.names()).toEqual([]);
  });

  test.skipIf(!canMount())('leaves a reserve to others, to the byte', async () => {
    using small = disk('tmpfs', reserveBytes + 4 * MiB);
    const { bavail, bsize } = statfsSync(small.path);
    const roomBytes = bavail * bsize - reserveBytes;
    const spool = spoolIn(small.path);

    await expect(spool.create(roomBytes + 1)).rejects.toMatchObject({ code: 'spool-full' });

    await using _file = await spool.create(roomBytes);
    expect(small.names()).toHaveLength(1);
  });
});

describe('a sweep', () => {
  test('removes what a killed process left, and nothing before it is dead', async () => {
    using place = folder();
    await using other = await otherProcess(place.path);
    const spool = spoolIn(place.path);
    await using own = await spool.create(0);
    expect(other.name).toBe(`snapshot-${other.pid}-${startOf(other.pid)}-1.part`);

    expect(await spool.sweep()).toEqual([]);
    expect(place.names()).toEqual([basename(own.path), other.name].toSorted());
    await other.kill();

    expect(await spool.sweep()).toEqual([other.name]);
    expect(place.names()).toEqual([basename(own.path)]);
  });

  test('tells a process from an earlier one with the same number', async () => {
    using place = folder();
    const earlier = `snapshot-${process.pid}-${Number(startOf(process.pid)) - 1}-1.part`;
    writeFileSync(join(place.path, earlier), 'left behind');
    const spool = spoolIn(place.path);
    await using own = await spool.create(0);

    expect(await spool.sweep()).toEqual([earlier]);

    expect(place.names()).toEqual([basename(own.path)]);
  });

  test('leaves alone what no spool made', async () => {
    using place = folder();
    const names = [
      'backup.db',
      'snapshot-1.part',
      'snapshot-4194999-7-1.part.keep',
      'old-snapshot-4194999-7-1.part',
      'snapshot-4194999-x-1.part',
      'drill-4194999-7-1.old',
    ].toSorted();
    for (const name of names) writeFileSync(join(place.path, name), '');

    expect(await spoolIn(place.path).sweep()).toEqual([]);

    expect(place.names()).toEqual(names);
  });

  test('finds nothing where there is no folder yet', async () => {
    using place = folder();

    expect(await spoolIn(join(place.path, 'spool')).sweep()).toEqual([]);

    expect(place.names()).toEqual([]);
  });

  test('says so when the folder cannot be read', async () => {
    using place = folder();
    const dir = join(place.path, 'file');
    writeFileSync(dir, '');

    await expect(spoolIn(dir).sweep()).rejects.toMatchObject({
      code: 'spool-failed',
      message: expect.stringMatching(/^cannot read the spool folder .+: ENOTDIR/),
    });
  });
});
