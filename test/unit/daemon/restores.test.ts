import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { BackupId } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/events.ts';
import { into, latest } from '../../support/asked-restore.ts';
import { report, restoring } from './restoring.ts';

const advanced = (doneBytes: number): Event => {
  return { kind: 'restore-advanced', doneBytes, totalBytes: 100 };
};
const finished = (step: 'choose' | 'preflight' | 'fetch' | 'prove' | 'build' | 'swap'): Event => {
  return { kind: 'restore-step-finished', step, tookMs: 1 };
};
const damaged = new Failure('object-damaged', 'it has other bytes');
const passedOver: Event = {
  kind: 'restore-passed-over',
  backup: '20261120T154500Z-r00000000000055919' as BackupId,
  store: 'local',
  failure: damaged,
};

/** Until what follows the end of a restore has followed. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a restore that the daemon is asked for', () => {
  test('begins at once and is found by its id', async () => {
    using place = restoring();
    const dataDir = join(place.root, 'etcd');

    const record = await place.restores.begin(latest, into(dataDir, { dryRun: true }));

    expect(record).toEqual({
      id: '20261120T160000Z-x7k2',
      state: 'running',
      stage: 'choose',
      progress: null,
      dataDir,
      dryRun: true,
      startedAt: new Date('2026-11-20T16:00:00Z'),
      endedAt: null,
      report: null,
      failure: null,
    });
    expect(place.begun).toMatchObject([{ wanted: latest, asked: { dataDir, dryRun: true } }]);
    expect(place.restores.find(record.id)).toEqual(record);
    expect(place.restores.find('20261120T160000Z-aaaa')).toBeUndefined();
  });

  test('tells its step and its bytes, and begins anew with the next backup', async () => {
    using place = restoring();
    const { id } = await place.restores.begin(latest, into(join(place.root, 'etcd')));
    const told = [
      finished('choose'),
      finished('preflight'),
      advanced(40),
      finished('fetch'),
      passedOver,
      finished('preflight'),
      finished('fetch'),
      finished('prove'),
      finished('build'),
      finished('swap'),
    ].map((event) => {
      place.begun[0]?.observe(event);
      const { stage, progress } = place.restores.find(id) ?? {};
      return [stage, progress?.doneBytes ?? null];
    });

    expect(told).toEqual([
      ['preflight', null],
      ['fetch', null],
      ['fetch', 40],
      ['prove', 40],
      ['preflight', null],
      ['fetch', null],
      ['prove', null],
      ['build', null],
      ['swap', null],
      ['swap', null],
    ]);
    expect(place.events).toHaveLength(told.length);
  });

  test('keeps its report when it has succeeded', async () => {
    using place = restoring();
    const { id } = await place.restores.begin(latest, into(join(place.root, 'etcd')));

    place.begun[0]?.succeed(report);
    await settled();

    expect(place.restores.find(id)).toMatchObject({
      state: 'succeeded',
      stage: null,
      endedAt: new Date('2026-11-20T16:01:00Z'),
      report,
      failure: null,
    });
  });

  test('keeps its failure, and the step that it failed in', async () => {
    using place = restoring();
    const { id } = await place.restores.begin(latest, into(join(place.root, 'etcd')));

    place.begun[0]?.observe(finished('choose'));
    place.begun[0]?.fail(damaged);
    await settled();

    expect(place.restores.find(id)).toMatchObject({
      state: 'failed',
      stage: 'preflight',
      endedAt: new Date('2026-11-20T16:01:00Z'),
      report: null,
      failure: damaged,
    });
  });

  test('is refused while another one runs, and taken after it', async () => {
    using place = restoring();
    const dataDir = join(place.root, 'etcd');
    const asked = into(join(place.root, 'other'));
    const { id } = await place.restores.begin(latest, into(dataDir));

    const second = place.restores.begin(latest, asked);

    await expect(second).rejects.toMatchObject({
      code: 'restore-refused',
      message: `restore ${id} into ${dataDir} is still running`,
    });
    place.begun[0]?.fail(damaged);
    await settled();
    expect(await place.restores.begin(latest, asked)).toMatchObject({ state: 'running' });
    expect(place.begun).toHaveLength(2);
  });

  test('is the only one of two that come at once', async () => {
    using place = restoring();
    const ask = (name: string) => place.restores.begin(latest, into(join(place.root, name)));

    const both = await Promise.allSettled([ask('a'), ask('b')]);

    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(place.begun).toHaveLength(1);
  });

  test('is remembered as one of the last twenty, the newest first', async () => {
    using place = restoring();
    const ids: string[] = [];
    for (let count = 0; count < 22; count += 1) {
      ids.push((await place.restores.begin(latest, into(join(place.root, 'etcd')))).id);
      place.begun[count]?.fail(damaged);
      await settled();
    }

    const listed = place.restores.list().map(({ id }) => id);

    expect(listed).toEqual(ids.slice(2).reverse());
    expect(place.restores.find(ids[1] ?? '')).toBeUndefined();
  });
});

describe('a place', () => {
  test('is allowed nowhere without roots, whatever is there', async () => {
    using place = restoring({ withRoots: false });
    const ask = (dataDir: string) => place.restores.begin(latest, into(dataDir));

    const answers = await Promise.allSettled(
      [join(place.root, 'etcd'), '/nowhere/at/all', '/'].map(ask),
    );

    expect(answers.map((answer) => 'reason' in answer && answer.reason)).toMatchObject(
      answers.map(() => ({
        code: 'restore-refused',
        message: 'the configuration allows restores over the API nowhere',
        hint: expect.stringContaining('restore.roots'),
      })),
    );
    expect(place.restores.list()).toEqual([]);
  });

  test.each([
    ['beside the root', ({ outside }) => join(outside, 'etcd')],
    ['the root itself', ({ root }) => root],
    ['above the root', ({ root }) => join(root, '..')],
    ['a way out of the root', ({ root }) => `${root}/../outside/etcd`],
    ['a name that begins like the root', ({ root }) => `${root}-etcd/data`],
    ['below a link that leads out', ({ root }) => join(root, 'link', 'etcd')],
    ['below a link to a link that leads out', ({ root }) => join(root, 'far', 'etcd')],
    ['below a folder that is not there', ({ root }) => join(root, 'missing', 'etcd')],
    ['the top', () => '/'],
    ['relative', () => 'etcd'],
  ] as const satisfies [string, (place: { root: string; outside: string }) => string][])(
    'is refused: %s',
    async (_what, pathIn) => {
      using place = restoring();
      mkdirSync(`${place.root}-etcd`);
      symlinkSync(place.outside, join(place.root, 'link'));
      symlinkSync('link', join(place.root, 'far'));

      const asked = place.restores.begin(latest, into(pathIn(place)));

      await expect(asked).rejects.toMatchObject({ code: 'restore-refused' });
      expect([place.begun, place.restores.list()]).toEqual([[], []]);
    },
  );

  test('may be below a link that stays within', async () => {
    using place = restoring();
    mkdirSync(join(place.root, 'disk'));
    symlinkSync('disk', join(place.root, 'link'));

    await place.restores.begin(latest, into(join(place.root, 'link', 'etcd')));

    expect(place.begun).toHaveLength(1);
  });
});

describe('closing', () => {
  test('aborts the one that runs, waits until it is over, and begins nothing any more', async () => {
    using place = restoring();
    const asked = into(join(place.root, 'etcd'));
    const { id } = await place.restores.begin(latest, asked);
    let isClosed = false;

    const closed = place.restores.close().then(() => {
      isClosed = true;
    });
    await settled();
    const before = [place.begun[0]?.signal.aborted, isClosed];
    place.begun[0]?.fail(place.begun[0].signal.reason);
    await closed;

    expect(before).toEqual([true, false]);
    expect(place.restores.find(id)).toMatchObject({
      state: 'failed',
      failure: { code: 'stopped', message: 'the daemon is stopping' },
    });
    await expect(place.restores.begin(latest, asked)).rejects.toMatchObject({ code: 'stopped' });
  });

  test('calls it stopped, however the aborted work words it', async () => {
    using place = restoring();
    const { id } = await place.restores.begin(latest, into(join(place.root, 'etcd')));

    const closed = place.restores.close();
    place.begun[0]?.fail(new DOMException('This operation was aborted', 'AbortError'));
    await closed;

    expect(place.restores.find(id)?.failure).toMatchObject({ code: 'stopped' });
  });

  test('does not hide that the data directory had taken its place', async () => {
    using place = restoring();
    const { id } = await place.restores.begin(latest, into(join(place.root, 'etcd')));

    const closed = place.restores.close();
    place.begun[0]?.succeed(report);
    await closed;

    expect(place.restores.find(id)).toMatchObject({ state: 'succeeded', report });
  });

  test('is done at once where nothing runs, also twice', async () => {
    using place = restoring();

    await place.restores.close();
    await place.restores.close();

    expect(place.restores.list()).toEqual([]);
  });
});
