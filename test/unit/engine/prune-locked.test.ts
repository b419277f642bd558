/** What a store refuses to remove is kept by the plan, with its reason. */
import { expect, test } from 'vitest';
import type { ObjectName } from '../../../src/core/names.ts';
import type { LockEnd } from '../../../src/core/retention.ts';
import { planPrune, pruneShelf } from '../../../src/engine/prune.ts';
import { filesOf } from '../../support/stored-names.ts';
import { overlaid } from '../catalog/shelves.ts';
import { hourMs, openWorkshop, signal } from './workshop.ts';

/** Four backups; `lockOf` tells the lock of an object of the backup of such an age in the list. */
async function locked(lockOf: (name: ObjectName, ids: readonly string[]) => LockEnd | undefined) {
  const work = openWorkshop({ stores: ['memory'] });
  const ids: string[] = [];
  for (let hour = 0; hour < 4; hour += 1) {
    ids.push((await work.place()).id);
    work.pass(hourMs);
  }
  const inner = work.store('memory');
  const asked: ObjectName[] = [];
  const store = overlaid(inner, {
    stat: async (name, limits) => {
      const facts = await inner.stat(name, limits);
      asked.push(name);
      const lockedUntil = lockOf(name, ids);
      return lockedUntil === undefined ? facts : { ...facts, lockedUntil };
    },
  });
  const shelf = { store, retention: { keepLast: 2, minimum: 1 } };
  return { work, ids, shelf, asked, [Symbol.asyncDispose]: () => work[Symbol.asyncDispose]() };
}

const later = new Date('2026-12-20T00:00:00Z');

test.each(['.json', '.db'])(
  'keeps what is locked by its object %s, and says until when',
  async (end) => {
    await using stock = await locked((name, ids) => {
      const isOf = filesOf(ids[0] ?? '').some((file) => name.endsWith(`/${file}`));
      return isOf && name.endsWith(end) ? later : undefined;
    });
    const { work, ids, shelf } = stock;

    const plan = await pruneShelf(shelf, work.cluster.id, work.deps, signal);

    expect(plan.find(({ id }) => id === ids[0])).toMatchObject({
      keep: true,
      reasons: ['locked until 2026-12-20T00:00:00.000Z'],
    });
    expect((await work.listed('memory')).map(({ id }) => id)).toEqual([ids[0], ids[2], ids[3]]);
  },
);

test('names a legal hold, which has no end', async () => {
  await using stock = await locked(() => 'legal hold');
  const { work, shelf } = stock;

  const plan = await planPrune(shelf, work.cluster.id, work.deps, signal);

  expect(plan.filter(({ reasons }) => reasons.includes('locked by a legal hold'))).toHaveLength(2);
});

test('removes what was locked, once the lock has ended', async () => {
  await using stock = await locked(() => later);
  const { work, shelf, ids } = stock;
  work.pass(60 * 24 * hourMs);

  await pruneShelf(shelf, work.cluster.id, work.deps, signal);

  expect((await work.listed('memory')).map(({ id }) => id)).toEqual(ids.slice(2));
});

test('asks for no lock of what the rules keep', async () => {
  await using stock = await locked(() => later);
  const { work, shelf, asked, ids } = stock;

  await planPrune({ ...shelf, retention: { keepLast: 4 } }, work.cluster.id, work.deps, signal);

  expect(asked.filter((name) => name.endsWith('.json'))).toEqual([]);
  expect(ids).toHaveLength(4);
});

test('lets no locked backup take the place of one of the minimum', async () => {
  await using stock = await locked((name, ids) =>
    name.includes(ids[0] ?? '') ? later : undefined,
  );
  const { work, shelf, ids } = stock;
  const retention = { keepLast: 1, minimum: 3 };

  const plan = await planPrune({ ...shelf, retention }, work.cluster.id, work.deps, signal);

  const kept = plan.filter(({ keep }) => keep).map(({ id }) => id);
  expect(kept).toEqual(ids.toReversed());
});
