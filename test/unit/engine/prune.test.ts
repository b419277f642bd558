/** What retention plans, removes and leaves. */
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import type { RetentionPolicy } from '../../../src/core/retention.ts';
import { holdBackup } from '../../../src/engine/hold.ts';
import { planPrune, pruneShelf, pruneShelves } from '../../../src/engine/prune.ts';
import { namesIn, putBytes } from '../../contract/store-bodies.ts';
import { hourMs, openWorkshop, signal, type Workshop } from './workshop.ts';

/** Backups of this many hours, one each, oldest first. */
async function stocked(hours: number, retention: RetentionPolicy) {
  const work = openWorkshop({ retention });
  const placed: Manifest[] = [];
  for (let hour = 0; hour < hours; hour += 1) {
    placed.push(await work.place());
    work.pass(hourMs);
  }
  return { work, placed, ids: placed.map(({ id }) => id), [Symbol.asyncDispose]: dispose };
  async function dispose(): Promise<void> {
    await work[Symbol.asyncDispose]();
  }
}

function shelfOf(work: Workshop, name: string) {
  const found = work.deps.shelves.find(({ store }) => store.name === name);
  if (found === undefined) throw new Error(`no shelf ${name}`);
  return found;
}

async function idsIn(work: Workshop, store: string): Promise<string[]> {
  return (await work.listed(store)).map(({ id }) => id);
}

describe.concurrent('pruning', () => {
  test('removes manifest and data of what no rule keeps, and says why of each', async () => {
    await using stock = await stocked(4, { keepLast: 2 });
    const { work, ids, placed } = stock;

    await pruneShelves(work.deps.shelves, work.cluster.id, work.deps, signal);

    for (const store of ['memory', 'disk']) {
      const kept = placed.slice(2).flatMap(({ sealed, id }) => {
        return [sealed.object, `${work.cluster.id}/${id}.json`];
      });
      expect(await namesIn(work.store(store))).toEqual(kept.sort());
      const pruned = work.of('backup-pruned').filter((event) => event.store === store);
      expect(pruned.map(({ id }) => id).sort()).toEqual(ids.slice(0, 2));
      for (const { reason } of pruned) expect(reason).not.toBe('');
    }
    expect(work.of('prune-finished')).toMatchObject([
      { kept: 2, removed: 2 },
      { kept: 2, removed: 2 },
    ]);
  });

  test('does as its plan says, and planning changes nothing', async () => {
    await using stock = await stocked(5, { keepLast: 2, daily: 1 });
    const { work, ids } = stock;
    const shelf = shelfOf(work, 'memory');

    const planned = await planPrune(shelf, work.cluster.id, work.deps, signal);
    const untouched = await idsIn(work, 'memory');
    const done = await pruneShelf(shelf, work.cluster.id, work.deps, signal);

    expect(untouched).toEqual(ids);
    expect(done).toEqual(planned);
    const kept = planned.filter(({ keep }) => keep).map(({ id }) => id);
    expect((await idsIn(work, 'memory')).sort()).toEqual(kept.sort());
    expect(planned.filter(({ keep }) => !keep)).not.toEqual([]);
    expect(work.store('disk').calls.filter(({ method }) => method === 'remove')).toEqual([]);
  });

  test('twice removes nothing more', async () => {
    await using stock = await stocked(3, { keepLast: 1 });
    const { work } = stock;
    await pruneShelves(work.deps.shelves, work.cluster.id, work.deps, signal);
    const before = await idsIn(work, 'disk');
    const pruned = work.of('backup-pruned').length;

    await pruneShelves(work.deps.shelves, work.cluster.id, work.deps, signal);

    expect(await idsIn(work, 'disk')).toEqual(before);
    expect(work.of('backup-pruned')).toHaveLength(pruned);
  });

  test('leaves what is held, however old', async () => {
    await using stock = await stocked(3, { keepLast: 1 });
    const { work, ids } = stock;
    await holdBackup(work.catalog('memory'), ids[0]!, 'before 3.7', work.deps, { signal });

    await pruneShelves(work.deps.shelves, work.cluster.id, work.deps, signal);

    expect(await idsIn(work, 'memory')).toEqual([ids[0], ids[2]]);
    expect(await idsIn(work, 'disk')).toEqual([ids[2]]);
  });

  test('does not touch the backups of another cluster', async () => {
    await using stock = await stocked(2, { keepLast: 1 });
    const { work } = stock;
    const foreign = '00000000000000aa/20200101T000000Z-r00000000000000005.db';
    await putBytes(work.store('memory'), foreign, 'of somebody else');

    await pruneShelves(work.deps.shelves, work.cluster.id, work.deps, signal);

    expect(await namesIn(work.store('memory'))).toContain(foreign);
  });

  test('that one store refuses is told, and the other is pruned', async () => {
    await using stock = await stocked(2, { keepLast: 1 });
    const { work, ids } = stock;
    const failure = new Failure('store-denied', 'nothing may be removed');
    work.store('memory').fail('remove', 1, failure);

    await pruneShelves(work.deps.shelves, work.cluster.id, work.deps, signal);

    expect(work.of('prune-failed')).toEqual([{ kind: 'prune-failed', store: 'memory', failure }]);
    expect(await idsIn(work, 'memory')).toEqual(ids);
    expect(await idsIn(work, 'disk')).toEqual([ids[1]]);
  });

  test('that fails after a backup takes nothing from its success', async () => {
    await using work = openWorkshop({ retention: { keepLast: 1 } });
    await work.backup();
    work.pass(hourMs);
    for (const name of ['memory', 'disk']) {
      work.store(name).fail('remove', 1, new Failure('store-denied', 'nothing may be removed'));
    }

    const { result, failures } = await work.backup();

    expect([result, failures.size]).toEqual(['success', 0]);
    expect(work.of('prune-failed')).toHaveLength(2);
    expect(await idsIn(work, 'memory')).toHaveLength(2);
  });

  test('ends with the reason when it is aborted', async () => {
    await using stock = await stocked(3, { keepLast: 1 });
    const { work } = stock;
    const stop = new AbortController();
    const reason = new Failure('stopped', 'enough');
    work.on = ({ kind }) => {
      if (kind === 'backup-pruned') stop.abort(reason);
    };

    const pruned = pruneShelves(work.deps.shelves, work.cluster.id, work.deps, stop.signal);

    await expect(pruned).rejects.toBe(reason);
    expect(work.of('prune-failed')).toEqual([]);
    expect((await idsIn(work, 'memory')).length).toBeGreaterThan(1);
  });
});
