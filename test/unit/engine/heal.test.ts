/** What is missing in one store comes from the others. */
import { describe, expect, test } from 'vitest';
import { openCatalog } from '../../../src/catalog/catalog.ts';
import { Failure } from '../../../src/core/errors.ts';
import { isProved } from '../../../src/core/manifest.ts';
import { dataName } from '../../../src/core/names.ts';
import { holdBackup } from '../../../src/engine/hold.ts';
import { named, putBytes } from '../../contract/store-bodies.ts';
import { type Healing, healing, manifestOf } from './healing.ts';
import { signal } from './workshop.ts';

const failed = { at: new Date(0), outcome: 'failed', evidence: { reason: 'a fault' } } as const;

function catalogOf(scene: Healing, name: string) {
  return openCatalog(scene.store(name), scene.work.cluster.id);
}

function dataOf(scene: Healing, id: string) {
  return named(dataName(scene.work.cluster.id, id as never));
}

describe.concurrent('healing', () => {
  test('copies the newest backup first, then from the oldest', async () => {
    await using scene = await healing({ near: {}, far: {} });
    const ids = [];
    for (const hours of [3, 2, 1, 0]) ids.push(await scene.give(hours, ['near']));

    const report = await scene.heal();

    const order = [ids[3], ids[0], ids[1], ids[2]];
    expect(scene.copied()).toEqual(order.map((id) => `near>far ${id}`));
    expect(await scene.listed('far')).toEqual(ids);
    expect(report).toMatchObject({ missing: { near: 0, far: 0 }, unread: [] });
  });

  test('leaves out what another daemon took of a slot that the store has a good backup of', async () => {
    await using scene = await healing({ disk: {}, shared: {} });
    const slot = new Date('2026-11-20T12:00:00Z');
    const ours = await scene.give(4, ['disk'], { slot });
    const theirs = await scene.give(3, ['shared'], { slot });

    const { missing } = await scene.heal();
    const listed = [await scene.listed('disk'), await scene.listed('shared')];
    const judge = { proofs: { stored: failed } } as const;
    await catalogOf(scene, 'shared').amend(
      theirs as never,
      (now) => ({ ...now, proofs: { ...now.proofs, ...judge.proofs } }),
      { signal },
    );
    await scene.heal();

    expect(missing).toEqual({ disk: 0, shared: 0 });
    expect(listed).toEqual([[ours], [theirs]]);
    expect(scene.copied()).toEqual([`disk>shared ${ours}`]);
  });

  test('makes each store whole from the others, the newest everywhere first', async () => {
    await using scene = await healing({ near: {}, far: {}, farther: {} });
    const old = await scene.give(5, ['far']);
    const newest = await scene.give(1, ['near']);

    await scene.heal();

    expect(scene.copied()).toEqual([
      `near>far ${newest}`,
      `near>farther ${newest}`,
      `far>near ${old}`,
      `far>farther ${old}`,
    ]);
    for (const name of ['near', 'far', 'farther']) {
      expect(await scene.listed(name)).toEqual([old, newest]);
    }
  });

  test('copies only what the retention of the store keeps', async () => {
    await using scene = await healing({ near: {}, far: { retention: { keepLast: 2 } } });
    const ids = [];
    for (const hours of [4, 3, 2, 1]) ids.push(await scene.give(hours, ['near']));

    await scene.heal();

    expect(await scene.listed('far')).toEqual(ids.slice(2));
  });

  test('does not bring back what was pruned there, not even what is held elsewhere', async () => {
    await using scene = await healing({ near: {}, far: { retention: { keepLast: 2 } } });
    const pruned = await scene.give(4, ['near']);
    const kept = [await scene.give(2, ['near', 'far']), await scene.give(1, ['near', 'far'])];
    const near = catalogOf(scene, 'near');
    await holdBackup(near, pruned as never, 'audit', scene.deps, { signal });

    await scene.heal();

    expect(await scene.listed('far')).toEqual(kept);
  });

  test('takes the nearest store that has it', async () => {
    await using scene = await healing({ bucket: { distance: 2 }, disk: {}, new: { distance: 1 } });
    const id = await scene.give(1, ['bucket', 'disk']);

    await scene.heal();

    expect(scene.copied()).toEqual([`disk>new ${id}`]);
  });

  test.each(['stored', 'agreed', 'restored'] as const)(
    'never copies what failed its proof %s',
    async (proof) => {
      await using scene = await healing({ near: {}, far: {} });
      const id = await scene.give(1, ['near']);
      await catalogOf(scene, 'near').amend(
        id as never,
        (now) => ({ ...now, proofs: { ...now.proofs, [proof]: failed } }),
        { signal },
      );

      const report = await scene.heal();

      expect(await scene.listed('far')).toEqual([]);
      expect(report.missing).toEqual({ near: 0, far: 0 });
    },
  );

  test('leaves backups of the future where they are', async () => {
    await using scene = await healing({ near: {}, far: {} });
    await scene.give(-1, ['near']);

    await scene.heal();

    expect(await scene.listed('far')).toEqual([]);
  });

  test('tries the next source when one is damaged, and judges that one', async () => {
    await using scene = await healing({ near: {}, far: { distance: 1 }, new: { distance: 2 } });
    const id = await scene.give(1, ['near', 'far']);
    await putBytes(scene.store('near'), dataOf(scene, id), 'SEALED BYTES');

    await scene.heal();

    expect(scene.copied()).toEqual([`far>new ${id}`]);
    expect(scene.work.of('copy-failed')).toMatchObject([
      { store: 'new', from: 'near', id, failure: { code: 'object-damaged' } },
    ]);
    const judged = await catalogOf(scene, 'near').manifest(id as never, { signal });
    expect(isProved(judged)).toBe(false);
  });

  test('brings back data that was lost, and a manifest that nobody can read', async () => {
    await using scene = await healing({ near: {}, far: {} });
    const lost = await scene.give(2, ['near', 'far']);
    const unreadable = await scene.give(1, ['near', 'far']);
    await scene.store('far').remove(dataOf(scene, lost), { signal });
    await putBytes(scene.store('far'), manifestOf(scene, unreadable), 'no JSON');

    const { copies } = await scene.heal();

    expect(copies.map(({ result }) => result)).toEqual(['repaired', 'repaired']);
    expect(await scene.listed('far')).toEqual([lost, unreadable]);
  });

  test('goes on with the other stores when one refuses', async () => {
    await using scene = await healing({ near: {}, full: {}, far: {} });
    const ids = [await scene.give(2, ['near']), await scene.give(1, ['near'])];
    const full = new Failure('store-full', 'no room');
    scene.store('full').fail('put', 1, full);

    const report = await scene.heal();

    expect(await scene.listed('far')).toEqual(ids);
    expect(report.missing).toEqual({ near: 0, full: 2, far: 0 });
    expect(scene.work.of('copy-failed')).toMatchObject([{ store: 'full', failure: full }]);
    expect(scene.work.of('heal-finished')).toMatchObject([{ copied: 2, missing: { full: 2 } }]);
  });

  test('does with the stores that can be read, and names the others', async () => {
    await using scene = await healing({ near: {}, dead: {}, far: {} });
    const id = await scene.give(1, ['near']);
    scene.store('dead').fail('list', 1, new Failure('store-failed', 'no answer'));

    const report = await scene.heal();

    expect(await scene.listed('far')).toEqual([id]);
    expect(report).toMatchObject({ unread: ['dead'], missing: { near: 0, far: 0 } });
    expect(scene.work.of('catalog-unreadable')).toMatchObject([{ store: 'dead' }]);
  });

  test('passes over what was pruned at its source meanwhile', async () => {
    await using scene = await healing({ near: {}, far: {} });
    const [old, newest] = [await scene.give(2, ['near']), await scene.give(1, ['near'])];
    const pruned = catalogOf(scene, 'near');
    scene.work.on = (event) => {
      if (event.kind === 'heal-started') void pruned.forget(old as never, { signal });
    };

    const report = await scene.heal();

    expect(await scene.listed('far')).toEqual([newest]);
    expect(report.missing).toEqual({ near: 0, far: 0 });
    expect(scene.work.of('copy-failed')).toEqual([]);
  });

  test('ends with the reason when it is aborted, and has listed only whole copies', async () => {
    await using scene = await healing({ near: {}, far: {} });
    for (const hours of [3, 2, 1]) await scene.give(hours, ['near']);
    const stop = new AbortController();
    const reason = new Failure('stopped', 'enough');
    scene.work.on = ({ kind }) => {
      if (kind === 'backup-copied') stop.abort(reason);
    };

    await expect(scene.heal({}, stop.signal)).rejects.toBe(reason);

    expect(await scene.listed('far')).toHaveLength(1);
    expect(scene.work.of('copy-failed')).toEqual([]);
  });

  test('tells the stock of a store that has something new', async () => {
    await using scene = await healing({ near: {}, far: {} });
    const id = await scene.give(1, ['near']);

    await scene.heal();

    expect(scene.work.of('catalog-read').at(-1)).toMatchObject({ store: 'far', newest: { id } });
  });
});
