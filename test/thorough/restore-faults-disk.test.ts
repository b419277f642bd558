/** Restores onto disks that become full, and into disks of their own. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemCode } from '../../src/core/errors.ts';
import type { Event } from '../../src/core/events.ts';
import { type Workplace, worker, workplace } from '../support/house.ts';
import {
  copy,
  type Ground,
  namesIn,
  type Origin,
  origin,
  restore,
  served,
  traceOf,
} from '../support/restoring.ts';

const MiB = 1024 * 1024;
/** A little more than what a restore wants to be free. */
const diskBytes = 192 * MiB;

interface Disk extends Disposable {
  readonly path: string;
}

function disk(place: Workplace, words = ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs']): Disk {
  const path = join(place.dir, 'disk');
  mkdirSync(path);
  execFileSync('mount', [...words, path], { stdio: 'pipe' });
  return { path, [Symbol.dispose]: () => execFileSync('umount', [path]) };
}

function canMount(): boolean {
  using place = workplace({ clientUrls: [], tls: undefined, clientPair: undefined });
  try {
    using _probe = disk(place);
    return true;
  } catch (error) {
    console.warn(`no disk can be mounted here, so none is tested: ${error}`);
    return false;
  }
}

/** The data directory with its disk around it. */
function moveTo(folder: Disk, ground: Ground): string {
  copy(ground.dataDir, folder.path);
  return join(folder.path, 'm1');
}

function fillUp(folder: string): void {
  const { bavail, bsize } = statfsSync(folder);
  try {
    writeFileSync(join(folder, 'ballast'), Buffer.alloc(bavail * bsize + MiB));
  } catch (error) {
    if (systemCode(error) !== 'ENOSPC') throw error;
  }
}

const moments: Readonly<Record<string, (event: Event) => boolean>> = {
  'before it is begun': (event) => event.kind === 'restore-started',
  'after the choice': (event) => isEndOf('choose', event),
  'after the preflight': (event) => isEndOf('preflight', event),
  'during the fetch': (event) => event.kind === 'restore-advanced',
  'after the fetch': (event) => isEndOf('fetch', event),
  'before the build': (event) => isEndOf('prove', event),
  'before the swap': (event) => isEndOf('build', event),
};

function isEndOf(step: string, event: Event): boolean {
  return event.kind === 'restore-step-finished' && event.step === step;
}

describe.skipIf(!canMount())('a restore', () => {
  let from: Origin;
  beforeAll(async () => {
    from = await origin('3.5');
  });
  afterAll(() => from[Symbol.asyncDispose]());

  test.for(Object.keys(moments))('leaves nothing on a disk that is full %s', async (moment) => {
    using ground = from.lay();
    using small = disk(ground.place);
    const dataDir = moveTo(small, ground);
    const old = traceOf(dataDir);
    const undone = join(ground.place.dir, 'calls');
    const program = join(ground.place.dir, 'stop');
    writeFileSync(program, `#!/bin/sh\necho $1 >> '${undone}'\n`, { mode: 0o755 });
    ground.place.settings['restore.before'] = program;
    let isFilled = false;
    await using engine = worker(ground.place, (event) => {
      if (isFilled || moments[moment]?.(event) !== true) return;
      isFilled = true;
      fillUp(small.path);
    });

    await expect(restore(engine, dataDir)).rejects.toMatchObject({
      code: 'restore-full',
      message: expect.stringContaining(small.path),
      hint: expect.stringContaining('Free space beside the data directory'),
    });

    expect(isFilled).toBe(true);
    expect(traceOf(dataDir)).toEqual(old);
    expect(namesIn(small.path)).toEqual(['ballast', 'm1']);
    if (moment === 'before the swap') expect(readFileSync(undone, 'utf8')).toBe('run\nundo\n');
    rmSync(join(small.path, 'ballast'));
    await restore(engine, dataDir);
    expect(namesIn(small.path)).toEqual(['m1', 'm1.before-restore-TIME']);
  });

  test('exchanges only the member of a disk of its own, and goes back the same way', async () => {
    using ground = from.lay();
    using own = disk(ground.place);
    mkdirSync(join(own.path, 'lost+found'));
    copy(join(ground.dataDir, 'member'), own.path);
    const old = traceOf(join(own.path, 'member'));
    await using engine = worker(ground.place);

    const { aside } = await restore(engine, own.path);

    expect(aside).toMatch(new RegExp(`^${own.path}/member\\.before-restore-`));
    expect(traceOf(aside ?? '')).toEqual(old);
    expect(readdirSync(own.path).length).toBe(3);
    expect(namesIn(own.path)).toEqual(['lost+found', 'member', 'member.before-restore-TIME']);
    expect(await served(from.etcd, own.path)).toEqual(['/older', '/newest']);
  });

  test('exchanges only the member of a folder that is mounted from the same disk', async () => {
    using ground = from.lay();
    using bound = disk(ground.place, ['--bind', ground.dataDir]);
    const old = traceOf(join(bound.path, 'member'));
    await using engine = worker(ground.place);

    const { aside } = await restore(engine, bound.path);

    expect(traceOf(aside ?? '')).toEqual(old);
    expect(namesIn(ground.dataDir)).toEqual(['member', 'member.before-restore-TIME']);
    expect(await ground.served()).toEqual(['/older', '/newest']);
  });
});
