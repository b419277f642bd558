import { describe, expect, test } from 'vitest';
import { openCatalog } from '../../../src/catalog/catalog.ts';
import { Failure } from '../../../src/core/errors.ts';
import { dataName, manifestName, objectName } from '../../../src/core/names.ts';
import { namesIn, putBytes, signal } from '../../contract/store-bodies.ts';
import { faultyStore } from '../../support/faults.ts';
import {
  backUp,
  cluster,
  draftOf,
  hourMs,
  hoursAgo,
  listedIds,
  otherCluster,
  overlaid,
  putData,
  putManifest,
  storeKinds,
} from './shelves.ts';

const noAnswer = new Failure('store-failed', 'the store does not answer');
const day = { graceMs: 24 * hourMs, signal };
const later = (hours: number) => ({ ...day, now: new Date(Date.now() + hours * hourMs) });

describe.each(storeKinds)('forget on a $kind store', ({ makeStore }) => {
  test('removes the manifest first, then the data, and nothing else', async () => {
    const store = faultyStore(makeStore());
    const { id } = await backUp(store, { startedAt: hoursAgo(2) });
    const stays = await backUp(store, { startedAt: hoursAgo(1) });

    await openCatalog(store, cluster).forget(id, { signal });

    expect(await listedIds(store)).toEqual([stays.id]);
    expect(await namesIn(store)).toHaveLength(2);
    const removed = store.calls.filter(({ method }) => method === 'remove');
    expect(removed.slice(0, 2).map(({ name }) => name)).toEqual([
      manifestName(cluster, id),
      dataName(cluster, id),
    ]);
  });

  test('may be asked for twice, and for what never was', async () => {
    const store = makeStore();
    const { id } = await backUp(store, { startedAt: hoursAgo(2) });
    const catalog = openCatalog(store, cluster);

    await catalog.forget(id, { signal });
    await catalog.forget(id, { signal });

    expect(await namesIn(store)).toEqual([]);
  });

  test('refuses a backup that is held, also when it was held after the plan', async () => {
    const store = makeStore();
    const { id } = await backUp(store, { startedAt: hoursAgo(2) });
    const catalog = openCatalog(store, cluster);
    const hold = { at: new Date(), reason: 'evidence' };
    await catalog.amend(id, (now) => ({ ...now, hold }), { signal });

    await expect(catalog.forget(id, { signal })).rejects.toMatchObject({
      code: 'retention-unsafe',
      message: expect.stringContaining('is held: evidence'),
    });

    expect(await listedIds(store)).toEqual([id]);
  });

  test('removes a backup whose manifest cannot be read', async () => {
    const store = makeStore();
    const { id } = await backUp(store, { startedAt: hoursAgo(2) });
    await putBytes(store, manifestName(cluster, id), 'garbage');

    await openCatalog(store, cluster).forget(id, { signal });

    expect(await namesIn(store)).toEqual([]);
  });

  test('removes nothing when it cannot see whether the backup is held', async () => {
    const inner = makeStore();
    const { id } = await backUp(inner, { startedAt: hoursAgo(2) });
    const store = faultyStore(inner).fail('get', 1, noAnswer);

    await expect(openCatalog(store, cluster).forget(id, { signal })).rejects.toBe(noAnswer);

    expect(await listedIds(inner)).toEqual([id]);
  });

  test('leaves no manifest that somebody amended meanwhile', async () => {
    const inner = makeStore();
    const manifest = await backUp(inner, { startedAt: hoursAgo(2) });
    const store = overlaid(inner, {
      async remove(name, options) {
        await inner.remove(name, options);
        if (name === manifestName(cluster, manifest.id) && !amended) {
          amended = true;
          await putManifest(inner, { ...manifest, labels: { amended: 'late' } });
        }
      },
    });
    let amended = false;

    await openCatalog(store, cluster).forget(manifest.id, { signal });

    expect(amended).toBe(true);
    expect(await namesIn(inner)).toEqual([]);
  });

  test('leaves an orphan and no backup when it dies between manifest and data', async () => {
    const inner = makeStore();
    const { id } = await backUp(inner, { startedAt: hoursAgo(48) });
    const store = faultyStore(inner).fail('remove', 2, noAnswer);
    await expect(openCatalog(store, cluster).forget(id, { signal })).rejects.toBe(noAnswer);
    const catalog = openCatalog(inner, cluster);

    const listing = await catalog.backups({ signal });
    const young = await catalog.sweep(later(23));
    const old = await catalog.sweep(later(25));

    expect(listing).toEqual({ backups: [], faults: [] });
    expect(young.objects).toEqual([]);
    expect(old.objects).toEqual([dataName(cluster, id)]);
    expect(await namesIn(inner)).toEqual([]);
  });
});

describe.each(storeKinds)('sweep on a $kind store', ({ makeStore }) => {
  test('removes data that was never committed, once both clocks call it old', async () => {
    const store = makeStore();
    const manifest = draftOf({ startedAt: hoursAgo(1) });
    await putData(store, manifest);
    const catalog = openCatalog(store, cluster);

    expect((await catalog.sweep(later(0))).objects).toEqual([]);
    expect((await catalog.sweep(later(23.5))).objects).toEqual([]);
    expect((await catalog.sweep(later(24.5))).objects).toEqual([manifest.sealed.object]);
    expect((await catalog.sweep(later(24.5))).objects).toEqual([]);
    expect(await namesIn(store)).toEqual([]);
  });

  test('spares data that was put lately under an old name, and the other way round', async () => {
    const store = makeStore();
    const newlyNamed = draftOf({ startedAt: hoursAgo(-1000) });
    await putData(store, draftOf({ startedAt: hoursAgo(1000) }));
    await putData(store, newlyNamed);
    const catalog = openCatalog(store, cluster);

    expect((await catalog.sweep(later(1))).objects).toEqual([]);
    expect((await catalog.sweep(later(30))).objects).toHaveLength(1);
    expect(await namesIn(store)).toEqual([newlyNamed.sealed.object]);
  });

  test('spares data whose name has a time that is none', async () => {
    const store = makeStore();
    const name = `${cluster}/99999999T999999Z-r00000000000055919.db`;
    await putBytes(store, name, 'x');

    await openCatalog(store, cluster).sweep(later(1_000_000));

    expect(await namesIn(store)).toEqual([name]);
  });

  test('spares backups, other clusters and what is not ours, however old', async () => {
    const store = makeStore();
    const { id } = await backUp(store, { startedAt: hoursAgo(5000) });
    const unreadable = await backUp(store, { startedAt: hoursAgo(4000) });
    await putBytes(store, manifestName(cluster, unreadable.id), 'garbage');
    await putData(store, draftOf({ startedAt: hoursAgo(3000), cluster: otherCluster }));
    await putBytes(store, `${cluster}/notes.db`, 'x');
    await putBytes(store, `${cluster}/${id}.db.part`, 'x');
    await putBytes(store, 'README', 'x');
    const before = await namesIn(store);

    const swept = await openCatalog(store, cluster).sweep(later(10_000));

    expect(swept).toEqual({ objects: [], unfinishedPuts: 0 });
    expect(await namesIn(store)).toEqual(before);
  });

  test('spares data that is committed while it sweeps', async () => {
    const inner = makeStore();
    const manifest = draftOf({ startedAt: hoursAgo(48) });
    await putData(inner, manifest);
    const store = overlaid(inner, {
      async *list(prefix, options) {
        yield* inner.list(prefix, options);
        await openCatalog(inner, cluster).commit(manifest, { signal });
      },
    });

    await openCatalog(store, cluster).sweep(later(100));

    expect(await listedIds(inner)).toEqual([manifest.id]);
  });

  test('makes a commit fail loudly that took longer than the grace', async () => {
    const store = makeStore();
    const manifest = draftOf({ startedAt: hoursAgo(48) });
    await putData(store, manifest);
    const catalog = openCatalog(store, cluster);
    await catalog.sweep(later(100));

    await expect(catalog.commit(manifest, { signal })).rejects.toMatchObject({
      code: 'object-missing',
    });
    expect(await namesIn(store)).toEqual([]);
  });

  test('sweeps unfinished puts of the store with the same grace', async () => {
    const store = faultyStore(makeStore());
    await putBytes(store, objectName('x'), 'x');

    const swept = await openCatalog(store, cluster).sweep(later(0));

    expect(swept.unfinishedPuts).toBe(0);
    expect(store.calls.at(-1)).toEqual({ method: 'sweep', name: '' });
  });
});
