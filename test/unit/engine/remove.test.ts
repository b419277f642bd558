import { describe, expect, test } from 'vitest';
import type { BackupId } from '../../../src/core/backup.ts';
import type { RetentionPolicy } from '../../../src/core/retention.ts';
import { holdBackup } from '../../../src/engine/hold.ts';
import { pruneShelf } from '../../../src/engine/prune.ts';
import { type Place, removeBackup } from '../../../src/engine/remove.ts';
import { hourMs, openWorkshop, signal, type Workshop } from './workshop.ts';

/** Backups an hour apart, the oldest first, in both stores. */
async function stocked(amount: number, retention: RetentionPolicy) {
  const work = openWorkshop({ retention });
  const ids: BackupId[] = [];
  for (let made = 0; made < amount; made += 1) {
    ids.push((await work.place()).id);
    work.pass(hourMs);
  }
  const places = work.deps.shelves.map(
    (shelf): Place => ({ shelf, catalog: work.catalog(shelf.store.name) }),
  );
  const remove = (id: BackupId | undefined, from = places, ending = signal) =>
    removeBackup(id as BackupId, from, work.deps, { signal: ending });
  return { work, ids, places, remove, [Symbol.asyncDispose]: () => work[Symbol.asyncDispose]() };
}

const left = async (work: Workshop, store: string) =>
  (await work.listed(store)).map(({ id }) => id);

describe('removing a backup', () => {
  test('takes it from every store, tells of each, and counts what is left', async () => {
    await using stock = await stocked(3, { minimum: 2 });
    const { work, ids, remove } = stock;

    await remove(ids[1]);

    for (const store of ['memory', 'disk'])
      expect(await left(work, store)).toEqual([ids[0], ids[2]]);
    expect(work.of('backup-removed')).toEqual([
      { kind: 'backup-removed', store: 'memory', id: ids[1] },
      { kind: 'backup-removed', store: 'disk', id: ids[1] },
    ]);
    expect(work.of('catalog-read').at(-1)).toMatchObject({ backups: 2 });
    const data = [];
    for await (const { name } of work.store('memory').list('', { signal })) data.push(name);
    expect(data).toHaveLength(4);
  });

  test('takes it from none where one of them has to keep it', async () => {
    await using stock = await stocked(3, { minimum: 1 });
    const { work, ids, remove } = stock;
    const options = { signal };
    await holdBackup(work.catalog('disk'), ids[0] as BackupId, 'the audit', work.deps, options);

    await expect(remove(ids[0])).rejects.toMatchObject({
      code: 'retention-unsafe',
      message: expect.stringContaining('store disk: held: the audit'),
    });

    for (const store of ['memory', 'disk']) expect(await left(work, store)).toEqual(ids);
    expect(work.of('backup-removed')).toEqual([]);
  });

  test.each([
    ['the newest', 2, 0],
    ['one of the minimum', 0, 3],
  ])('never takes %s', async (_what, at, minimum) => {
    await using stock = await stocked(3, { minimum });
    const { work, ids, remove } = stock;

    await expect(remove(ids[at])).rejects.toMatchObject({ code: 'retention-unsafe' });

    expect(await left(work, 'disk')).toEqual(ids);
  });

  test('never takes too many by taking several at once', async () => {
    await using stock = await stocked(6, { minimum: 4 });
    const { work, ids, remove } = stock;

    const ends = await Promise.allSettled(ids.map((id) => remove(id)));

    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    for (const store of ['memory', 'disk']) expect(await left(work, store)).toHaveLength(4);
  });

  test('never takes what a prune at the same time counts on', async () => {
    await using stock = await stocked(6, { keepLast: 1, minimum: 3 });
    const { work, ids, places, remove } = stock;
    const [place] = places.filter(({ shelf }) => shelf.store.name === 'memory');
    const shelf = place?.shelf as Place['shelf'];

    const ends = await Promise.allSettled([
      pruneShelf(shelf, work.cluster.id, work.deps, signal),
      remove(ids[4], [place as Place]),
    ]);

    expect(ends[0].status).toBe('fulfilled');
    expect(ends[1]).toMatchObject({ status: 'rejected', reason: { code: 'retention-unsafe' } });
    expect(await left(work, 'memory')).toEqual(ids.slice(3));
  });

  test('does nothing once it is aborted', async () => {
    await using stock = await stocked(3, {});
    const { work, ids, places, remove } = stock;

    await expect(remove(ids[0], places, AbortSignal.abort())).rejects.toThrow();

    expect(await left(work, 'memory')).toEqual(ids);
  });
});
