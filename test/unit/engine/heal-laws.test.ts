/** What holds for any stock of any stores. fast-check prints the seed of a failure. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openCatalog } from '../../../src/catalog/catalog.ts';
import { isProved } from '../../../src/core/manifest.ts';
import { planRetention, retentionItem } from '../../../src/core/retention.ts';
import { planPrune } from '../../../src/engine/prune.ts';
import { type Healing, healing } from './healing.ts';
import { signal } from './workshop.ts';

const names = ['near', 'far', 'farther'] as const;

const rule = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 4 }));
const policy = fc.record({
  keepLast: rule,
  hourly: rule,
  daily: rule,
  weekly: rule,
  minimum: rule,
});
const holder = fc.record({
  has: fc.boolean(),
  // Mostly whole: stores of nothing but damage say little.
  proved: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.boolean()),
  held: fc.oneof({ weight: 8, arbitrary: fc.constant(false) }, fc.boolean()),
});
const backup = fc.record({
  hoursAgo: fc.integer({ min: 0, max: 24 * 20 }),
  near: holder,
  far: holder,
  farther: holder,
});
const history = fc.uniqueArray(backup, { maxLength: 12, selector: ({ hoursAgo }) => hoursAgo });
const rules = fc.record({ near: policy, far: policy, farther: policy });

const failed = { at: new Date(0), outcome: 'failed', evidence: {} } as const;
const hold = { at: new Date(0), reason: 'audit' };

async function backupsIn(scene: Healing, name: string) {
  const catalog = openCatalog(scene.store(name), scene.work.cluster.id);
  return (await catalog.backups({ signal })).backups;
}

test('every store gets what its retention keeps of all, once, and loses nothing', async () => {
  await fc.assert(
    fc.asyncProperty(history, rules, async (backups, policies) => {
      const options = names.map((name) => [name, { retention: policies[name] }]);
      await using scene = await healing(Object.fromEntries(options));
      for (const { hoursAgo, ...holders } of backups) {
        for (const name of names.filter((each) => holders[each].has)) {
          const { proved, held } = holders[name];
          const id = await scene.give(hoursAgo, [name], held ? { hold } : {});
          if (proved) continue;
          await openCatalog(scene.store(name), scene.work.cluster.id).amend(
            id as never,
            (now) => ({ ...now, proofs: { ...now.proofs, stored: failed } }),
            { signal },
          );
        }
      }
      const before = new Map<string, ReadonlyMap<string, string>>();
      for (const name of names) before.set(name, await scene.contents(name));
      const expected = new Map<string, string[]>();
      for (const name of names) expected.set(name, await keptOfAll(scene, name, policies[name]));

      const report = await scene.heal();
      const again = await scene.heal();

      expect(Object.values(report.missing).every((missing) => missing === 0)).toBe(true);
      expect(again.copies).toEqual([]);
      for (const name of names) {
        expect(await scene.listed(name)).toEqual(expected.get(name));
        const now = await scene.contents(name);
        for (const [object, bytes] of before.get(name) ?? []) expect(now.get(object)).toBe(bytes);
        // What was copied is not what the next prune removes.
        const copied = report.copies.filter(({ store }) => store === name).map(({ id }) => id);
        const shelf = scene.deps.shelves.find(({ store }) => store.name === name)!;
        const plan = await planPrune(shelf, scene.work.cluster.id, scene.deps, signal);
        const removed = plan.filter(({ keep }) => !keep).map(({ id }) => id);
        expect(removed.filter((id) => copied.includes(id))).toEqual([]);
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);

/** What it has, and what its rules keep of all proved ones beside it: by a plan of its own. */
async function keptOfAll(scene: Healing, name: string, retention: object): Promise<string[]> {
  const own = await backupsIn(scene, name);
  const items = new Map(own.map((manifest) => [manifest.id, retentionItem(manifest)]));
  for (const other of names) {
    for (const manifest of await backupsIn(scene, other)) {
      if (items.has(manifest.id) || !isProved(manifest)) continue;
      items.set(manifest.id, { ...retentionItem(manifest), held: null });
    }
  }
  const frame = { now: scene.deps.now(), timezone: scene.deps.timezone };
  const plan = planRetention([...items.values()], retention, frame);
  const kept = plan.filter(({ keep }) => keep).map(({ id }) => id as string);
  return [...new Set([...kept, ...own.map(({ id }) => id as string)])].sort();
}
