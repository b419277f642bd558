/** One backup, copied as it is stored. */
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { copyBackup } from '../../../src/engine/copy.ts';
import { holdBackup } from '../../../src/engine/hold.ts';
import { named, namesIn } from '../../contract/store-bodies.ts';
import { copying } from './copying.ts';
import { hourMs, openWorkshop, signal } from './workshop.ts';

describe.concurrent('a copy', () => {
  test('holds the very bytes, and every proof but the one of its own store', async () => {
    await using scene = await copying();
    const { work, source } = scene;
    work.pass(hourMs);

    const end = await scene.copy();

    expect(end).toBe('copied');
    expect(await scene.bytesIn('disk')).toEqual(await scene.bytesIn('memory'));
    const [copy] = await work.listed('disk');
    const stored = {
      at: work.deps.now(),
      outcome: 'passed',
      evidence: {
        compared: 'read back',
        sizeBytes: source.sealed.sizeBytes,
        copiedFrom: 'memory',
      },
    };
    expect(copy).toEqual({ ...source, proofs: { ...source.proofs, stored } });
    expect(work.of('backup-copied')).toMatchObject([
      { store: 'disk', from: 'memory', id: source.id, result: 'copied' },
    ]);
  });

  test('keeps hold and labels', async () => {
    await using scene = await copying();
    const { work, source } = scene;
    await holdBackup(work.catalog('memory'), source.id, 'before 3.7', work.deps, { signal });
    const label = { labels: { ticket: 'OPS-7' } };
    await work.catalog('memory').amend(source.id, (now) => ({ ...now, ...label }), { signal });

    await scene.copy();

    const [copy] = await work.listed('disk');
    expect(copy).toMatchObject({ hold: { reason: 'before 3.7' }, ...label });
  });

  test('goes the other way as well, and tells how far it is', async () => {
    await using work = openWorkshop();
    const { id } = await work.backup();
    const { sealed } = await work.catalog('disk').find(id, { signal });
    await work.catalog('memory').forget(id, { signal });
    const told: [number, number][] = [];

    await copyBackup(id, work.catalog('disk'), work.catalog('memory'), work.deps, {
      signal,
      onProgress: (done, total) => void told.push([done, total]),
    });

    expect((await work.listed('memory')).map((manifest) => manifest.id)).toEqual([id]);
    const { sizeBytes } = sealed;
    expect(told.at(-1)).toEqual([2 * sizeBytes, 2 * sizeBytes]);
    expect(told.every(([done], at) => done >= (told[at - 1]?.[0] ?? 0))).toBe(true);
    expect(work.of('copy-advanced').at(-1)).toMatchObject({ doneBytes: 2 * sizeBytes });
  });

  test('of what the target has does nothing', async () => {
    await using scene = await copying();
    const { work } = scene;
    await scene.copy();
    const puts = work.store('disk').calls.filter(({ method }) => method === 'put').length;

    expect(await scene.copy()).toBe('present');

    expect(work.store('disk').calls.filter(({ method }) => method === 'put')).toHaveLength(puts);
    expect(work.of('backup-copied')).toHaveLength(1);
  });

  test.each(['stored', 'agreed', 'restored'] as const)(
    'is refused while the proof %s failed at its source',
    async (proof) => {
      await using scene = await copying();
      const { work, source } = scene;
      const failed = { at: work.deps.now(), outcome: 'failed', evidence: {} } as const;
      const proofs = { ...source.proofs, [proof]: failed };
      await work.catalog('memory').amend(source.id, (now) => ({ ...now, proofs }), { signal });
      const blamed: string[] = [];

      const copied = scene.copy({ onSourceFault: ({ code }) => void blamed.push(code) });

      await expect(copied).rejects.toMatchObject({
        code: 'backup-missing',
        message: expect.stringContaining('is not proved'),
      });
      expect(blamed).toEqual(['backup-missing']);
      expect(await namesIn(work.store('disk'))).toEqual([]);
    },
  );

  test('of damaged bytes leaves nothing, and blames the source', async () => {
    await using scene = await copying();
    const { work } = scene;
    await scene.damage('memory');
    const blamed: string[] = [];

    const copied = scene.copy({ onSourceFault: ({ code }) => void blamed.push(code) });

    await expect(copied).rejects.toMatchObject({ code: 'object-damaged' });
    expect(blamed).toEqual(['object-damaged']);
    expect(await namesIn(work.store('disk'))).toEqual([]);
  });

  test('into a store that refuses it blames no source', async () => {
    await using scene = await copying();
    const denied = new Failure('store-denied', 'no writing here');
    scene.work.store('disk').fail('put', 1, denied);
    const blamed: string[] = [];

    const copied = scene.copy({ onSourceFault: ({ code }) => void blamed.push(code) });

    await expect(copied).rejects.toBe(denied);
    expect(blamed).toEqual([]);
  });

  test('that the target gives back otherwise is not listed there', async () => {
    await using scene = await copying();
    const { work, source } = scene;
    work.store('disk').flip(4711, 'every-read', named(source.sealed.object));

    await expect(scene.copy()).rejects.toMatchObject({ code: 'object-damaged' });

    expect(await work.listed('disk')).toEqual([]);
  });

  test('goes on where the reading of its source broke off', async () => {
    await using scene = await copying();
    const { work } = scene;
    // The first is the manifest.
    work.store('memory').fail('get', 2, new Failure('store-failed', 'the line broke'));

    expect(await scene.copy()).toBe('copied');

    expect(await scene.bytesIn('disk')).toEqual(await scene.bytesIn('memory'));
  });

  test('that is aborted lists nothing, and blames nobody', async () => {
    await using scene = await copying();
    const stop = new AbortController();
    const reason = new Failure('stopped', 'enough');
    const blamed: string[] = [];

    const copied = scene.copy({
      signal: stop.signal,
      onProgress: () => stop.abort(reason),
      onSourceFault: ({ code }) => void blamed.push(code),
    });

    await expect(copied).rejects.toBe(reason);
    expect(blamed).toEqual([]);
    expect(await namesIn(scene.work.store('disk'))).toEqual([]);
  });

  test('never takes the place of another backup of its name', async () => {
    await using scene = await copying();
    const { work, source } = scene;
    await scene.copy();
    const sealed = { ...source.sealed, sha256: 'f'.repeat(64) };
    const changed = { ...source, sealed };

    const copied = copyBackup(changed, work.catalog('memory'), work.catalog('disk'), work.deps, {
      signal,
      replace: true,
    });

    await expect(copied).rejects.toMatchObject({
      code: 'object-exists',
      message: expect.stringContaining('another backup'),
    });
    expect((await work.listed('disk'))[0]?.sealed).toEqual(source.sealed);
  });
});
