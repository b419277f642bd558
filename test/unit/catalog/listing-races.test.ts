import { describe, expect, test } from 'vitest';
import { openCatalog } from '../../../src/catalog/catalog.ts';
import { Failure } from '../../../src/core/errors.ts';
import { memoryStore } from '../../../src/store/memory.ts';
import { signal } from '../../contract/store-bodies.ts';
import { faultyStore } from '../../support/faults.ts';
import { backUp, cluster, hoursAgo, overlaid } from './shelves.ts';

const noAnswer = new Failure('store-failed', 'the store does not answer');

describe('catalog on a store that changes or fails while it is read', () => {
  const makeStore = () => memoryStore();

  test('passes over a backup that is forgotten meanwhile', async () => {
    const inner = makeStore();
    const gone = await backUp(inner, { startedAt: hoursAgo(2) });
    const stays = await backUp(inner, { startedAt: hoursAgo(1) });
    const forgetting = overlaid(inner, {
      async *list(prefix, options) {
        yield* inner.list(prefix, options);
        await openCatalog(inner, cluster).forget(gone.id, { signal });
      },
    });

    const listing = await openCatalog(forgetting, cluster).backups({ signal });

    expect(listing).toEqual({ backups: [stays], faults: [] });
  });

  test('passes over a backup that is forgotten right after its manifest was read', async () => {
    const inner = makeStore();
    const { id } = await backUp(inner, { startedAt: hoursAgo(2) });
    const forgetting = overlaid(inner, {
      async *get(...call) {
        yield* inner.get(...call);
        await openCatalog(inner, cluster).forget(id, { signal });
      },
      async *list(prefix, options) {
        // As if the listing had passed the place of the data before it was put.
        for await (const facts of inner.list(prefix, options)) {
          if (facts.name.endsWith('.json')) yield facts;
        }
      },
    });

    const listing = await openCatalog(forgetting, cluster).backups({ signal });

    expect(listing).toEqual({ backups: [], faults: [] });
  });

  test('believes a manifest whose data the listing came too early for', async () => {
    const store = makeStore();
    const made = await backUp(store, { startedAt: hoursAgo(1) });
    const early = overlaid(store, {
      async *list(prefix, options) {
        for await (const facts of store.list(prefix, options)) {
          if (facts.name.endsWith('.json')) yield facts;
        }
      },
    });

    const listing = await openCatalog(early, cluster).backups({ signal });

    expect(listing).toEqual({ backups: [made], faults: [] });
  });

  test('fails when the store cannot be listed', async () => {
    const store = faultyStore(makeStore()).fail('list', 1, noAnswer);

    await expect(openCatalog(store, cluster).backups({ signal })).rejects.toBe(noAnswer);
  });

  test('tells of one manifest that the store does not give, and lists the others', async () => {
    const inner = makeStore();
    await backUp(inner, { startedAt: hoursAgo(2) });
    await backUp(inner, { startedAt: hoursAgo(1) });
    const store = faultyStore(inner).fail('get', 1, noAnswer);

    const { backups, faults } = await openCatalog(store, cluster).backups({ signal });

    expect(backups).toHaveLength(1);
    expect(faults).toMatchObject([{ failure: noAnswer }]);
  });

  test('fails, and does not say that nothing is there, when it gets no manifest', async () => {
    const inner = makeStore();
    await backUp(inner, { startedAt: hoursAgo(2) });
    await backUp(inner, { startedAt: hoursAgo(1) });
    const store = faultyStore(inner).fail('get', 1, noAnswer).fail('get', 2, noAnswer);

    await expect(openCatalog(store, cluster).backups({ signal })).rejects.toBe(noAnswer);
  });

  test('ends with the reason when the signal aborts during a read', async () => {
    const inner = makeStore();
    await backUp(inner, { startedAt: hoursAgo(2) });
    const store = faultyStore(inner).stall('get', 1);
    const reason = new Failure('stopped', 'stopped by the test');
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 20);

    const listing = openCatalog(store, cluster).backups({ signal: controller.signal });

    await expect(listing).rejects.toBe(reason);
  });

  test('tells a manifest that comes damaged once from one that stays damaged', async () => {
    const inner = makeStore();
    await backUp(inner, { startedAt: hoursAgo(2) });
    const once = openCatalog(faultyStore(inner).flip(7, 'first-read'), cluster);
    const always = openCatalog(faultyStore(inner).flip(7, 'every-read'), cluster);

    const counts = [];
    for (const catalog of [once, once, always, always]) {
      const { backups, faults } = await catalog.backups({ signal });
      counts.push([backups.length, faults.length]);
    }

    expect(counts).toEqual([
      [0, 1],
      [1, 0],
      [0, 1],
      [0, 1],
    ]);
  });
});
