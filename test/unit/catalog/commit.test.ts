import { describe, expect, test } from 'vitest';
import { openCatalog } from '../../../src/catalog/catalog.ts';
import { Failure } from '../../../src/core/errors.ts';
import { dataName, manifestName } from '../../../src/core/names.ts';
import { namesIn, putBytes, signal } from '../../contract/store-bodies.ts';
import { faultyStore } from '../../support/faults.ts';
import {
  backUp,
  cluster,
  draftOf,
  hoursAgo,
  listedIds,
  otherCluster,
  putData,
  storeKinds,
} from './shelves.ts';

const noAnswer = new Failure('store-failed', 'the store does not answer');
const commit = (store: Parameters<typeof openCatalog>[0], manifest: ReturnType<typeof draftOf>) =>
  openCatalog(store, cluster).commit(manifest, { signal });

describe.each(storeKinds)('commit on a $kind store', ({ makeStore }) => {
  test('makes a backup of the data, by a manifest written after it', async () => {
    const store = faultyStore(makeStore());
    const manifest = draftOf({ startedAt: hoursAgo(1) });
    await putData(store, manifest);
    expect(await listedIds(store)).toEqual([]);

    await commit(store, manifest);

    expect(await listedIds(store)).toEqual([manifest.id]);
    const puts = store.calls.filter(({ method }) => method === 'put').map(({ name }) => name);
    expect(puts).toEqual([dataName(cluster, manifest.id), manifestName(cluster, manifest.id)]);
  });

  test('refuses data that is missing or has another size', async () => {
    const store = makeStore();
    const manifest = draftOf({ startedAt: hoursAgo(1) });

    await expect(commit(store, manifest)).rejects.toMatchObject({ code: 'object-missing' });
    await putBytes(store, manifest.sealed.object, 'other size');
    await expect(commit(store, manifest)).rejects.toMatchObject({ code: 'object-damaged' });

    expect(await namesIn(store)).toEqual([manifest.sealed.object]);
  });

  test('notices a store that took less than it was given', async () => {
    const inner = makeStore();
    const store = faultyStore(inner).cut('put', 5);
    const manifest = draftOf({ startedAt: hoursAgo(1) });
    await putData(store, manifest);

    await expect(commit(store, manifest)).rejects.toMatchObject({ code: 'object-damaged' });
  });

  test('refuses a manifest that is not proved to be received and sound', async () => {
    const store = makeStore();
    const { sound, ...proofs } = draftOf({ startedAt: hoursAgo(1) }).proofs;
    const failed = { ...proofs, sound: { ...sound, outcome: 'failed' } } as typeof proofs;
    const drafts = [proofs, failed].map((changed) =>
      draftOf({ startedAt: hoursAgo(1), changes: { proofs: changed } }),
    );

    for (const draft of drafts) {
      await putData(store, draft);
      await expect(commit(store, draft)).rejects.toMatchObject({ code: 'internal' });
    }

    expect(await listedIds(store)).toEqual([]);
  });

  test('keeps a backup that other members disagree with, as one that is not proved', async () => {
    const store = makeStore();
    const { proofs } = draftOf({ startedAt: hoursAgo(1) });
    const agreed = { at: hoursAgo(1), outcome: 'failed' as const, evidence: {} };

    await backUp(store, { startedAt: hoursAgo(1), changes: { proofs: { ...proofs, agreed } } });

    expect(await listedIds(store)).toHaveLength(1);
    expect(await openCatalog(store, cluster).latestProved({ signal })).toBeUndefined();
  });

  test('refuses a manifest of another cluster, another object, or one that no reader takes', async () => {
    const store = makeStore();
    const foreign = draftOf({ startedAt: hoursAgo(1), cluster: otherCluster });
    const mine = draftOf({ startedAt: hoursAgo(1) });
    const pointing = { ...mine, sealed: { ...mine.sealed, object: `${cluster}/other.db` } };
    const unreadable = { ...mine, keys: Number.NaN };

    for (const manifest of [foreign, pointing, unreadable]) {
      await expect(commit(store, manifest)).rejects.toMatchObject({ code: 'manifest-invalid' });
    }

    expect(await namesIn(store)).toEqual([]);
  });

  test('may be made twice', async () => {
    const store = makeStore();
    const manifest = await backUp(store, { startedAt: hoursAgo(1) });

    await commit(store, manifest);

    expect(await listedIds(store)).toEqual([manifest.id]);
  });

  test('leaves a copy of the same backup that somebody else made meanwhile', async () => {
    const store = makeStore();
    const first = await backUp(store, { startedAt: hoursAgo(1) });
    const stored = { at: hoursAgo(0), outcome: 'passed', evidence: {} } as const;

    await commit(store, { ...first, proofs: { ...first.proofs, stored } });

    expect(await openCatalog(store, cluster).find(first.id, { signal })).toEqual(first);
  });

  test('refuses the name of another backup and leaves that one', async () => {
    const store = makeStore();
    const first = await backUp(store, { startedAt: hoursAgo(1) });

    await expect(commit(store, { ...first, host: 'another daemon' })).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringContaining('already has another backup'),
    });

    expect(await openCatalog(store, cluster).find(first.id, { signal })).toEqual(first);
  });

  test('lists nothing when the store returns another manifest than it took', async () => {
    const inner = makeStore();
    const manifest = draftOf({ startedAt: hoursAgo(1) });
    await putData(inner, manifest);
    const bit = 8 * 40;
    const store = faultyStore(inner).flip(bit, 'every-read', manifestName(cluster, manifest.id));

    await expect(commit(store, manifest)).rejects.toMatchObject({ code: 'object-damaged' });

    expect(await namesIn(inner)).toEqual([manifest.sealed.object]);
  });

  test.each([
    { why: 'the manifest is not taken', after: false },
    { why: 'the answer to it is lost', after: true },
  ])('lists nothing when $why', async ({ after }) => {
    const inner = makeStore();
    const manifest = draftOf({ startedAt: hoursAgo(1) });
    await putData(inner, manifest);
    const store = faultyStore(inner).fail('put', 1, noAnswer, { after });

    await expect(commit(store, manifest)).rejects.toBe(noAnswer);

    expect(await namesIn(inner)).toEqual([manifest.sealed.object]);
    await commit(store.heal(), manifest);
    expect(await listedIds(inner)).toEqual([manifest.id]);
  });

  test('lists nothing when it is stopped while the manifest is read back', async () => {
    const inner = makeStore();
    const manifest = draftOf({ startedAt: hoursAgo(1) });
    await putData(inner, manifest);
    const store = faultyStore(inner).stall('get', 2);
    const reason = new Failure('stopped', 'stopped by the test');
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 50);

    const committed = openCatalog(store, cluster).commit(manifest, { signal: controller.signal });

    await expect(committed).rejects.toBe(reason);
    expect(await namesIn(inner)).toEqual([manifest.sealed.object]);
  });

  test('lists nothing when the data goes while the manifest is written', async () => {
    const inner = makeStore();
    const manifest = draftOf({ startedAt: hoursAgo(1) });
    await putData(inner, manifest);
    const missing = new Failure('object-missing', 'swept');
    const store = faultyStore(inner).fail('stat', 2, missing);

    await expect(commit(store, manifest)).rejects.toMatchObject({ code: 'object-missing' });

    expect(await namesIn(inner)).toEqual([manifest.sealed.object]);
  });
});
