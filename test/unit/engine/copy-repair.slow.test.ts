/** A damaged copy, made whole from another store. */
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { isProved } from '../../../src/core/manifest.ts';
import { manifestName } from '../../../src/core/names.ts';
import { holdBackup } from '../../../src/engine/hold.ts';
import { verifyBackup } from '../../../src/engine/verify.ts';
import { named, putBytes, readBytes } from '../../contract/store-bodies.ts';
import { copying } from './copying.ts';
import { signal } from './workshop.ts';

/** A copy in `disk` that can be damaged. */
async function copied() {
  const scene = await copying();
  await scene.copy();
  return scene;
}

const repair = { replace: true } as const;

describe.concurrent('a repair', () => {
  test('writes over damaged bytes, and takes the bad verdict back', async () => {
    await using scene = await copied();
    const { work, source } = scene;
    await holdBackup(work.catalog('disk'), source.id, 'kept here', work.deps, { signal });
    await scene.damage('disk');
    await verifyBackup(work.catalog('disk'), source.id, work.deps, { deep: false, signal });

    const end = await scene.copy(repair);

    expect(end).toBe('repaired');
    expect(await scene.bytesIn('disk')).toEqual(await scene.bytesIn('memory'));
    const [mended] = await work.listed('disk');
    expect(mended && isProved(mended)).toBe(true);
    expect(mended?.hold?.reason).toBe('kept here');
    expect(mended?.proofs.received).toEqual(source.proofs.received);
    expect(work.of('backup-copied').at(-1)).toMatchObject({ result: 'repaired', store: 'disk' });
  });

  test('brings back data that is gone, and data that was cut', async () => {
    await using scene = await copied();
    const { work, source } = scene;
    const whole = await scene.bytesIn('memory');
    const ends: string[] = [];

    await work.store('disk').remove(named(source.sealed.object), { signal });
    ends.push(await scene.copy(repair));
    await scene.damage('disk', whole.subarray(0, -600));
    ends.push(await scene.copy(repair));

    expect(ends).toEqual(['repaired', 'repaired']);
    expect(await scene.bytesIn('disk')).toEqual(whole);
    expect(await work.listed('disk')).toHaveLength(1);
  });

  test('writes a manifest anew that cannot be read, and leaves good bytes alone', async () => {
    await using scene = await copied();
    const { work, source } = scene;
    const name = manifestName(work.cluster.id, source.id);
    await putBytes(work.store('disk'), name, '{"format": 1');
    const before = work.store('disk').calls.length;

    const end = await scene.copy(repair);

    expect(end).toBe('repaired');
    const [mended] = await work.listed('disk');
    expect(mended).toMatchObject({ id: source.id, sealed: source.sealed });
    const written = work.store('disk').calls.slice(before);
    const puts = written.filter(({ method }) => method === 'put').map((call) => call.name);
    expect(puts).toEqual([name]);
  });

  test('of a copy that reads well writes nothing', async () => {
    await using scene = await copied();
    const { work } = scene;
    const before = await work.listed('disk');
    const calls = work.store('disk').calls.length;

    const end = await scene.copy(repair);

    expect(end).toBe('present');
    expect(await work.listed('disk')).toEqual(before);
    const since = work.store('disk').calls.slice(calls);
    expect(since.filter(({ method }) => method === 'put' || method === 'remove')).toEqual([]);
  });

  test('of a copy that reads well again takes its bad verdict back', async () => {
    await using scene = await copied();
    const { work, source } = scene;
    work.store('disk').flip(77, 'every-read', named(source.sealed.object));
    await verifyBackup(work.catalog('disk'), source.id, work.deps, { deep: false, signal });
    work.store('disk').heal();

    await scene.copy(repair);

    const [mended] = await work.listed('disk');
    expect(mended && isProved(mended)).toBe(true);
  });

  test.each(['damaged bytes', 'a store that refuses', 'an abort'])(
    'that ends with %s leaves what was there',
    async (what) => {
      await using scene = await copied();
      const { work, source } = scene;
      await scene.damage('disk');
      const name = manifestName(work.cluster.id, source.id);
      const there = [await scene.bytesIn('disk'), await readBytes(work.store('disk'), name)];
      const stop = new AbortController();
      if (what === 'damaged bytes') await scene.damage('memory');
      const full = new Failure('store-full', 'no room');
      if (what === 'a store that refuses') work.store('disk').fail('put', 1, full);
      if (what === 'an abort') work.on = ({ kind }) => kind === 'copy-advanced' && stop.abort();

      await expect(scene.copy({ ...repair, signal: stop.signal })).rejects.toThrow();

      work.store('disk').heal();
      const now = [await scene.bytesIn('disk'), await readBytes(work.store('disk'), name)];
      expect(now).toEqual(there);
    },
  );

  test.each([
    { drill: 'passed', left: 'passed' },
    { drill: 'failed', left: undefined },
  ] as const)(
    'of a copy whose drill $drill leaves that proof as $left',
    async ({ drill, left }) => {
      await using scene = await copied();
      const { work, source } = scene;
      const restored = { at: work.deps.now(), outcome: drill, evidence: {} };
      const drilled = { proofs: { ...source.proofs, restored } };
      const catalog = work.catalog('disk');
      await catalog.amend(source.id, (now) => ({ ...now, ...drilled }), { signal });
      await scene.damage('disk');

      await scene.copy(repair);

      const [mended] = await work.listed('disk');
      expect(mended?.proofs.restored?.outcome).toBe(left);
    },
  );

  test('of what the target lacks is a copy', async () => {
    await using scene = await copying();

    expect(await scene.copy(repair)).toBe('copied');
  });
});
