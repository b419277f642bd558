import { describe, expect, test } from 'vitest';
import { openCatalog } from '../../../src/catalog/catalog.ts';
import { clusters } from '../../../src/catalog/clusters.ts';
import { revision } from '../../../src/core/backup.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { composeBackupId, dataName, manifestName } from '../../../src/core/names.ts';
import { putBytes, signal } from '../../contract/store-bodies.ts';
import {
  backUp,
  cluster,
  draftOf,
  hoursAgo,
  listedIds,
  otherCluster,
  putData,
  putManifest,
  storeKinds,
} from './shelves.ts';

describe.each(storeKinds)('catalog on a $kind store', ({ makeStore }) => {
  test('is empty where nothing is', async () => {
    const catalog = openCatalog(makeStore(), cluster);

    expect(await catalog.backups({ signal })).toEqual({ backups: [], faults: [] });
    expect(await catalog.latestProved({ signal })).toBeUndefined();
  });

  test('lists backups by time, newest last, whatever their names and revisions', async () => {
    const store = makeStore();
    // Of one second, with revisions that went back (a rebuilt member) and ids in another order.
    const second = hoursAgo(5).getTime();
    const made: Manifest[] = [];
    for (const [ms, at] of [
      [900, 9n],
      [100, 100_000_000_000_000_000n],
      [500, 10n],
    ] as const) {
      const startedAt = new Date(second + ms);
      const id = composeBackupId(startedAt, revision(at));
      const sealed = { ...draftOf({ startedAt }).sealed, object: dataName(cluster, id) };
      made.push(
        await backUp(store, { startedAt, changes: { id, revision: revision(at), sealed } }),
      );
    }

    const { backups, faults } = await openCatalog(store, cluster).backups({ signal });

    const order = made.toSorted((l, r) => l.startedAt.getTime() - r.startedAt.getTime());
    expect(backups).toEqual(order);
    expect(faults).toEqual([]);
  });

  test('reads more manifests than it reads at once', async () => {
    const store = makeStore();
    for (let hour = 1; hour <= 30; hour += 1) await backUp(store, { startedAt: hoursAgo(hour) });

    expect(await listedIds(store)).toHaveLength(30);
  });

  test('shows neither other clusters nor what is not ours', async () => {
    const store = makeStore();
    const mine = await backUp(store, { startedAt: hoursAgo(2) });
    await backUp(store, { startedAt: hoursAgo(1), cluster: otherCluster });
    await putBytes(store, `${cluster}/notes.txt`, 'x');
    await putBytes(store, `${cluster}/deeper/${mine.id}.json`, 'x');
    await putBytes(store, 'README', 'x');

    expect(await listedIds(store)).toEqual([mine.id]);
    expect(await clusters(store, { signal })).toEqual([otherCluster, cluster]);
  });

  test('shows no data without a manifest', async () => {
    const store = makeStore();
    await putData(store, draftOf({ startedAt: hoursAgo(1) }));

    const catalog = openCatalog(store, cluster);

    expect(await catalog.backups({ signal })).toEqual({ backups: [], faults: [] });
    expect(await clusters(store, { signal })).toEqual([cluster]);
  });

  test('tells of a manifest that cannot be read, beside the backups that can', async () => {
    const store = makeStore();
    const good = await backUp(store, { startedAt: hoursAgo(2) });
    const bad = await backUp(store, { startedAt: hoursAgo(1) });
    await putBytes(store, manifestName(cluster, bad.id), '{"format":1}');

    const { backups, faults } = await openCatalog(store, cluster).backups({ signal });

    expect(backups.map(({ id }) => id)).toEqual([good.id]);
    expect(faults).toMatchObject([
      { name: manifestName(cluster, bad.id), failure: { code: 'manifest-invalid' } },
    ]);
  });

  test('does not believe a manifest under another name, cluster or object', async () => {
    const store = makeStore();
    const real = await backUp(store, { startedAt: hoursAgo(2) });
    const renamed = composeBackupId(real.startedAt, real.revision, 'zzzz');
    await putManifest(store, real, manifestName(cluster, renamed));
    const foreign = draftOf({ startedAt: hoursAgo(3), cluster: otherCluster });
    await putManifest(store, foreign, manifestName(cluster, foreign.id));
    const pointing = draftOf({ startedAt: hoursAgo(4) });
    const sealed = { ...pointing.sealed, object: dataName(otherCluster, real.id) };
    await putManifest(store, { ...pointing, sealed });

    const { backups, faults } = await openCatalog(store, cluster).backups({ signal });

    expect(backups.map(({ id }) => id)).toEqual([real.id]);
    expect(faults.map(({ failure }) => failure.message.replace(/^.*?: /, ''))).toEqual([
      `it points to ${sealed.object}`,
      `it says cluster ${otherCluster}; it points to ${foreign.sealed.object}`,
      `it says that it is ${real.id}; it points to ${real.sealed.object}`,
    ]);
  });

  test('does not offer a backup whose data is missing or has another size', async () => {
    const store = makeStore();
    const lost = await backUp(store, { startedAt: hoursAgo(3) });
    const cut = await backUp(store, { startedAt: hoursAgo(2) });
    const good = await backUp(store, { startedAt: hoursAgo(1) });
    await store.remove(dataName(cluster, lost.id), { signal });
    await putBytes(store, dataName(cluster, cut.id), 'short');
    const catalog = openCatalog(store, cluster);

    const { backups, faults } = await catalog.backups({ signal });

    expect(backups).toEqual([good]);
    expect(faults).toMatchObject([
      { manifest: { id: lost.id }, failure: { code: 'object-missing' } },
      { manifest: { id: cut.id }, failure: { code: 'object-damaged' } },
    ]);
    await expect(catalog.find(lost.id, { signal })).rejects.toMatchObject({
      code: 'object-missing',
    });
    await expect(catalog.find(cut.id, { signal })).rejects.toMatchObject({
      code: 'object-damaged',
    });
  });

  test('finds one backup, and says backup-missing for none', async () => {
    const store = makeStore();
    const made = await backUp(store, { startedAt: hoursAgo(1) });
    const never = draftOf({ startedAt: hoursAgo(2) }).id;
    const catalog = openCatalog(store, cluster);

    expect(await catalog.find(made.id, { signal })).toEqual(made);
    await expect(catalog.find(never, { signal })).rejects.toMatchObject({
      code: 'backup-missing',
    });
  });

  test('knows the latest proved backup, also with one from the future', async () => {
    const store = makeStore();
    const proved = await backUp(store, { startedAt: hoursAgo(3) });
    const agreed = { at: hoursAgo(2), outcome: 'failed' as const, evidence: {} };
    const proofs = { ...proved.proofs, agreed };
    await backUp(store, { startedAt: hoursAgo(2), changes: { proofs } });
    const future = await backUp(store, { startedAt: hoursAgo(-50) });
    const catalog = openCatalog(store, cluster);

    expect((await catalog.latestProved({ signal }))?.id).toBe(future.id);
    expect((await catalog.latestProved({ signal, notAfter: new Date() }))?.id).toBe(proved.id);
  });
});
