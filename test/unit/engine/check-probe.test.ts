/** What a check writes into a store to try it is gone afterwards, whatever happened. */
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { checkEverything } from '../../../src/engine/check.ts';
import { putBytes } from '../../contract/store-bodies.ts';
import { openWorkshop, signal, type Workshop } from './workshop.ts';

const minuteMs = 60_000;

async function namesIn(work: Workshop): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of work.store('memory').list('', { signal })) names.push(name);
  return names;
}

async function storeFailure(work: Workshop): Promise<Failure | undefined> {
  const { results } = await checkEverything(work.deps, { signal });
  return results.find(({ subject }) => subject === 'store memory')?.failure;
}

describe.concurrent('the probe of a check', () => {
  test('is written, read and removed', async () => {
    await using work = openWorkshop({ stores: ['memory'] });

    const failure = await storeFailure(work);

    const probed = work.store('memory').calls.filter(({ name }) => /^probe-.{8}$/.test(name));
    expect(failure).toBeUndefined();
    expect(probed.map(({ method }) => method)).toEqual(['put', 'get', 'remove']);
    expect(await namesIn(work)).toEqual([]);
  });

  test('is no backup while it is there, and is removed when the check is stopped', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    const stop = new AbortController();
    const store = work.store('memory').stall('get', 1);
    const reading = Promise.withResolvers<void>();
    const get = store.get.bind(store);
    store.get = (...given) => {
      reading.resolve();
      return get(...given);
    };

    const checked = checkEverything(work.deps, { signal: stop.signal });
    await reading.promise;
    const during = await namesIn(work);
    const listed = await work.listed('memory');
    stop.abort(new Failure('stopped', 'enough'));

    await expect(checked).rejects.toMatchObject({ code: 'stopped' });
    expect(during).toEqual([expect.stringMatching(/^probe-/)]);
    expect(listed).toEqual([]);
    expect(await namesIn(work)).toEqual([]);
  });

  test('is removed when it comes back damaged', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    work.store('memory').flip(77, 'every-read');

    expect(await storeFailure(work)).toMatchObject({ code: 'object-damaged' });
    expect(await namesIn(work)).toEqual([]);
  });

  test('that can neither be read nor removed fails by the reading', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    work.store('memory').fail('get', 1, new Failure('store-denied', 'no reading'));
    work.store('memory').fail('remove', 1, new Failure('store-failed', 'no removing'));

    expect((await storeFailure(work))?.message).toBe('no reading');
  });

  test('fails the check when it can only not be removed, for then nothing can be pruned', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    work.store('memory').fail('remove', 1, new Failure('store-denied', 'no removing'));

    expect((await storeFailure(work))?.message).toBe('no removing');
  });

  test('of a check that was killed is removed by a check an hour later, not before', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    const store = work.store('memory');
    await putBytes(store, 'probe-0123abcd', 'left by a killed check');
    await putBytes(store, 'probe-of-somebody', 'not ours');

    work.pass(59 * minuteMs);
    await storeFailure(work);
    const early = await namesIn(work);
    work.pass(2 * minuteMs);
    await storeFailure(work);

    expect(early).toEqual(['probe-0123abcd', 'probe-of-somebody']);
    expect(await namesIn(work)).toEqual(['probe-of-somebody']);
  });
});
