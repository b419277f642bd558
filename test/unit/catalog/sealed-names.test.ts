/** A backup is found, missed, swept and forgotten under whatever name its sealing gave it. */
import { describe, expect, test } from 'vitest';
import { openCatalog } from '../../../src/catalog/catalog.ts';
import { revision } from '../../../src/core/backup.ts';
import {
  composeBackupId,
  composeStem,
  dataName,
  parseObjectName,
  type SealSuffix,
  stemsOf,
} from '../../../src/core/names.ts';
import { namesIn, putBytes, signal } from '../../contract/store-bodies.ts';
import {
  cluster,
  draftOf,
  hourMs,
  hoursAgo,
  listedIds,
  putData,
  putManifest,
  storeKinds,
} from './shelves.ts';

const suffixes: readonly SealSuffix[] = ['', '.gz', '.zst', '.age', '.gz.age', '.zst.age'];

const cases = storeKinds.flatMap((kind) => suffixes.map((suffix) => ({ ...kind, suffix })));

function draft(suffix: SealSuffix) {
  const plain = draftOf({ startedAt: hoursAgo(48) });
  const object = dataName(cluster, plain.id, suffix);
  return { ...plain, sealed: { ...plain.sealed, object } };
}

const later = { now: new Date(Date.now() + 100 * hourMs), graceMs: 24 * hourMs, signal };

describe.each(cases)('a backup named "$suffix" on a $kind store', ({ makeStore, suffix }) => {
  test('is committed, listed, amended and forgotten', async () => {
    const store = makeStore();
    const manifest = draft(suffix);
    await putData(store, manifest);
    const catalog = openCatalog(store, cluster);

    await catalog.commit(manifest, { signal });
    const amended = await catalog.amend(manifest.id, (now) => ({ ...now, labels: { a: 'b' } }), {
      signal,
    });
    const swept = await catalog.sweep(later);

    expect(await listedIds(store)).toEqual([manifest.id]);
    expect(await catalog.find(manifest.id, { signal })).toEqual(amended);
    expect(swept.objects).toEqual([]);
    await catalog.forget(manifest.id, { signal });
    expect(await namesIn(store)).toEqual([]);
  });

  test('is a fault where its data is missing, also where another name has some', async () => {
    const store = makeStore();
    const manifest = draft(suffix);
    const other = suffix === '' ? '.zst' : '';
    await putBytes(store, dataName(cluster, manifest.id, other), 'sealed bytes');
    await putManifest(store, manifest);
    const catalog = openCatalog(store, cluster);

    const { backups, faults } = await catalog.backups({ signal });

    expect(backups).toEqual([]);
    expect(faults).toMatchObject([{ failure: { code: 'object-missing' }, manifest }]);
    await expect(catalog.find(manifest.id, { signal })).rejects.toMatchObject({
      code: 'object-missing',
    });
  });

  test('is swept when it was never committed', async () => {
    const store = makeStore();
    const { sealed } = draft(suffix);
    await putBytes(store, sealed.object, 'sealed bytes');

    const swept = await openCatalog(store, cluster).sweep(later);

    expect(swept.objects).toEqual([sealed.object]);
    expect(await namesIn(store)).toEqual([]);
  });

  test('loses its data with a manifest that cannot be read', async () => {
    const store = makeStore();
    const manifest = draft(suffix);
    await putData(store, manifest);
    await putBytes(store, `${cluster}/${manifest.id}.json`, 'garbage');

    await openCatalog(store, cluster).forget(manifest.id, { signal });

    expect(await namesIn(store)).toEqual([]);
  });
});

test.each([
  '.db.zst.gz',
  '.db.age.zst',
  '.db.age.age',
  '.db.',
  '.db.zst.',
  '.zst',
  '.db.xz',
  '.json.age',
])('nothing else is ours: %s', (ending) => {
  const { id } = draft('');

  expect(parseObjectName(`${cluster}/${id}${ending}`)).toBeUndefined();
});

test('a suffix that looks like a revision stays in the name of the data', () => {
  const startedAt = new Date('2026-11-20T15:45:00Z');
  const id = composeBackupId(startedAt, revision(55919n), 'r123');
  const stem = composeStem(startedAt, 'r123');

  expect(stemsOf(id)).toContain(stem);
  expect(dataName(cluster, stem)).toBe(`${cluster}/20261120T154500Z-r123.db`);
  expect(dataName(cluster, id)).toBe(dataName(cluster, stem));
  expect(parseObjectName(dataName(cluster, stem))).toEqual({ cluster, kind: 'data', stem });
});
