import { describe, expect, test } from 'vitest';
import { openCatalog } from '../../../src/catalog/catalog.ts';
import { Failure } from '../../../src/core/errors.ts';
import { namesIn, signal } from '../../contract/store-bodies.ts';
import { faultyStore } from '../../support/faults.ts';
import { backUp, cluster, draftOf, hoursAgo, overlaid, storeKinds } from './shelves.ts';

const noAnswer = new Failure('store-failed', 'the store does not answer');
const hold = { at: new Date('2026-11-20T00:00:00Z'), reason: 'upgrade' };

describe.each(storeKinds)('amend on a $kind store', ({ makeStore }) => {
  test('changes hold, proofs and labels, and returns what is stored', async () => {
    const store = makeStore();
    const { id } = await backUp(store, { startedAt: hoursAgo(1) });
    const catalog = openCatalog(store, cluster);
    const labels = { site: 'fra2' };

    const amended = await catalog.amend(id, (now) => ({ ...now, hold, labels }), { signal });

    expect(amended).toMatchObject({ hold, labels });
    expect(await catalog.find(id, { signal })).toEqual(amended);
  });

  test('refuses to change anything else', async () => {
    const store = makeStore();
    const made = await backUp(store, { startedAt: hoursAgo(1) });
    const catalog = openCatalog(store, cluster);
    const edits = [{ host: 'x' }, { keys: 0 }, { startedAt: hoursAgo(9) }];

    for (const edit of edits) {
      const amended = catalog.amend(made.id, (now) => ({ ...now, ...edit }), { signal });
      await expect(amended).rejects.toMatchObject({ code: 'internal' });
    }

    expect(await catalog.find(made.id, { signal })).toEqual(made);
  });

  test('says backup-missing for a backup that is not there, and makes none', async () => {
    const store = makeStore();
    const { id } = draftOf({ startedAt: hoursAgo(1) });

    const amended = openCatalog(store, cluster).amend(id, (now) => now, { signal });

    await expect(amended).rejects.toMatchObject({ code: 'backup-missing' });
    expect(await namesIn(store)).toEqual([]);
  });

  test('writes nothing when nothing changes', async () => {
    const store = faultyStore(makeStore());
    const { id } = await backUp(store, { startedAt: hoursAgo(1) });
    const putsBefore = store.calls.filter(({ method }) => method === 'put').length;

    await openCatalog(store, cluster).amend(id, (now) => ({ ...now }), { signal });

    expect(store.calls.filter(({ method }) => method === 'put')).toHaveLength(putsBefore);
  });

  test('loses no change when many are made at once', async () => {
    const store = makeStore();
    const { id } = await backUp(store, { startedAt: hoursAgo(1), changes: { labels: {} } });
    const names = Array.from({ length: 10 }, (_, at) => `label-${at}`);

    await Promise.all(
      names.map((name) =>
        openCatalog(store, cluster).amend(
          id,
          (now) => ({ ...now, labels: { ...now.labels, [name]: 'set' } }),
          { signal },
        ),
      ),
    );

    const { labels } = await openCatalog(store, cluster).find(id, { signal });
    expect(Object.keys(labels).toSorted()).toEqual(names);
  });

  test('goes on after one amendment failed', async () => {
    const store = faultyStore(makeStore());
    const { id } = await backUp(store, { startedAt: hoursAgo(1) });
    store.fail('put', 1, noAnswer);
    const catalog = openCatalog(store, cluster);

    const failed = catalog.amend(id, (now) => ({ ...now, hold }), { signal });
    const next = catalog.amend(id, (now) => ({ ...now, labels: { a: 'b' } }), { signal });

    await expect(failed).rejects.toBe(noAnswer);
    expect(await next).toMatchObject({ hold: null, labels: { a: 'b' } });
  });

  test('brings no backup back that is forgotten before it writes', async () => {
    const inner = makeStore();
    const { id } = await backUp(inner, { startedAt: hoursAgo(1) });
    const store = overlaid(inner, {
      async put(...call) {
        await openCatalog(inner, cluster).forget(id, { signal });
        return inner.put(...call);
      },
    });

    const amended = openCatalog(store, cluster).amend(id, (now) => ({ ...now, hold }), { signal });

    await expect(amended).rejects.toMatchObject({ code: 'backup-missing' });
    expect(await namesIn(inner)).toEqual([]);
  });

  test('withdraws its manifest when the data is gone by then', async () => {
    const inner = makeStore();
    const { id, sealed } = await backUp(inner, { startedAt: hoursAgo(1) });
    const store = faultyStore(inner).fail('stat', 1, new Failure('object-missing', 'forgotten'));

    const amended = openCatalog(store, cluster).amend(id, (now) => ({ ...now, hold }), { signal });

    await expect(amended).rejects.toMatchObject({ code: 'backup-missing' });
    expect(await namesIn(inner)).toEqual([sealed.object]);
  });

  test('says object-damaged when the store returns another manifest than it took', async () => {
    const inner = makeStore();
    const { id } = await backUp(inner, { startedAt: hoursAgo(1) });
    const cutting = faultyStore(inner);
    const edit = (now: ReturnType<typeof draftOf>) => {
      cutting.cut('get', 100);
      return { ...now, hold };
    };

    const amended = openCatalog(cutting, cluster).amend(id, edit, { signal });

    await expect(amended).rejects.toMatchObject({ code: 'object-damaged' });
  });
});
