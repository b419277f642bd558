/** What holds for any history, any clock and any rules. fast-check prints the seed of a failure. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  planRetention,
  type RetentionItem,
  type RetentionPlan,
  type RetentionPolicy,
} from '../../../src/core/retention.ts';
import { itemAt } from './retention-cases.ts';

const hourMs = 3600 * 1000;
const toleranceMs = 5 * 60 * 1000;
const runs = { numRuns: 300 };

const clock = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 400 * 24 }).map((hours) => hours * hourMs) },
  { weight: 1, arbitrary: fc.integer({ min: -10, max: 10 }).map((steps) => steps * 60_000) },
  { weight: 1, arbitrary: fc.integer({ min: -(2 ** 40), max: 2 ** 42 }) },
);
const start = Date.UTC(2026, 0, 1);

const item = fc
  .record({
    at: clock,
    proved: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.boolean()),
    held: fc.option(fc.constant('audit'), { freq: 8 }),
    lockedUntil: fc.option(
      clock.map((ms) => new Date(start + ms)),
      { freq: 8 },
    ),
  })
  .map(({ at, proved, held, lockedUntil }): RetentionItem => {
    const plain = itemAt(new Date(start + at), { proved, held });
    return lockedUntil === null ? plain : { ...plain, lockedUntil };
  });

const history = fc
  .array(item, { maxLength: 60 })
  .map((items) => items.map((each, at) => ({ ...each, id: `${each.id}-${at}` as typeof each.id })));

const rule = fc.oneof(fc.constant(undefined), fc.constant(0), fc.integer({ min: 1, max: 12 }));
const policy: fc.Arbitrary<RetentionPolicy> = fc.record({
  keepLast: rule,
  keepWithinMs: fc.oneof(fc.constant(undefined), fc.integer({ min: 0, max: 60 * 24 * hourMs })),
  hourly: rule,
  daily: rule,
  weekly: rule,
  monthly: rule,
  yearly: rule,
  minimum: rule,
});

const frame = fc.record({
  now: clock.map((ms) => new Date(start + ms)),
  timezone: fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'Asia/Kolkata',
    'America/St_Johns',
    'Australia/Lord_Howe',
    'Pacific/Apia',
    'America/Sao_Paulo',
  ),
});

const input = fc.tuple(history, policy, frame);

function keptOf(items: readonly RetentionItem[], plan: RetentionPlan): RetentionItem[] {
  const kept = new Set(plan.filter(({ keep }) => keep).map(({ id }) => id));
  return items.filter(({ id }) => kept.has(id));
}

function countedOf(items: readonly RetentionItem[], now: Date): RetentionItem[] {
  return items.filter(
    ({ proved, startedAt }) => proved && startedAt.getTime() <= now.getTime() + toleranceMs,
  );
}

describe('for any history, any clock and any rules, retention', () => {
  test('decides about every backup once, newest first, with a reason', () => {
    fc.assert(
      fc.property(input, ([items, rules, when]) => {
        const plan = planRetention(items, rules, when);
        const times = plan.map(({ startedAt }) => startedAt.getTime());

        expect(plan.map(({ id }) => id).toSorted()).toEqual(items.map(({ id }) => id).toSorted());
        expect(times).toEqual(times.toSorted((left, right) => right - left));
        expect(plan.every(({ reasons }) => reasons.length > 0 && !reasons.includes(''))).toBe(true);
      }),
      runs,
    );
  });

  test('keeps the newest proved backup', () => {
    fc.assert(
      fc.property(input, ([items, rules, when]) => {
        const counted = countedOf(items, when.now);
        const newestMs = Math.max(...counted.map(({ startedAt }) => startedAt.getTime()));
        const kept = countedOf(keptOf(items, planRetention(items, rules, when)), when.now);

        expect(Math.max(...kept.map(({ startedAt }) => startedAt.getTime()))).toBe(newestMs);
      }),
      runs,
    );
  });

  test('never crosses the minimum', () => {
    fc.assert(
      fc.property(input, ([items, rules, when]) => {
        const counted = countedOf(items, when.now).length;
        const kept = countedOf(keptOf(items, planRetention(items, rules, when)), when.now).length;

        expect(kept).toBeGreaterThanOrEqual(Math.min(counted, rules.minimum ?? 0));
      }),
      runs,
    );
  });

  test('removes nothing from the future, nothing held and nothing locked', () => {
    fc.assert(
      fc.property(input, ([items, rules, when]) => {
        const guarded = items.filter(
          ({ startedAt, held, lockedUntil }) =>
            held !== null ||
            startedAt.getTime() > when.now.getTime() + toleranceMs ||
            (lockedUntil !== undefined && lockedUntil > when.now),
        );
        const kept = keptOf(items, planRetention(items, rules, when));

        expect(guarded.filter((each) => !kept.includes(each))).toEqual([]);
      }),
      runs,
    );
  });

  test('does not care for the order of its input', () => {
    fc.assert(
      fc.property(input, fc.infiniteStream(fc.nat()), ([items, rules, when], keys) => {
        const shuffled = items
          .map((each) => ({ each, key: keys.next().value as number }))
          .sort((left, right) => left.key - right.key)
          .map(({ each }) => each);

        expect(planRetention(shuffled, rules, when)).toEqual(planRetention(items, rules, when));
      }),
      runs,
    );
  });

  test('removes nothing more when it is planned again', () => {
    fc.assert(
      fc.property(input, ([items, rules, when]) => {
        const kept = keptOf(items, planRetention(items, rules, when));
        const again = keptOf(kept, planRetention(kept, rules, when));

        expect(again).toEqual(kept);
      }),
      runs,
    );
  });

  test('lets nothing unproved and nothing from the future push out a proved one', () => {
    fc.assert(
      fc.property(input, ([items, rules, when]) => {
        const counted = countedOf(items, when.now);
        const alone = keptOf(counted, planRetention(counted, rules, when));
        const kept = keptOf(items, planRetention(items, rules, when));

        expect(alone.filter((each) => !kept.includes(each))).toEqual([]);
      }),
      runs,
    );
  });

  test('removes an unproved one only when enough proved ones are newer', () => {
    fc.assert(
      fc.property(input, ([items, rules, when]) => {
        const counted = countedOf(items, when.now);
        const removed = new Set(
          planRetention(items, rules, when).flatMap(({ id, keep }) => (keep ? [] : [id])),
        );
        const early = items.filter(({ id, proved, startedAt }) => {
          // Of one instant, either may be taken for the newer one.
          const newer = counted.filter((other) => other.startedAt >= startedAt).length;
          return removed.has(id) && !proved && newer < Math.max(1, rules.minimum ?? 0);
        });

        expect(early).toEqual([]);
      }),
      runs,
    );
  });

  test('keeps no less when a rule is added or raised', () => {
    const rules = ['keepLast', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
    fc.assert(
      fc.property(input, fc.constantFrom(...rules), ([items, policies, when], name) => {
        const base = { ...policies, keepLast: policies.keepLast ?? 1, minimum: 0 };
        const raised = { ...base, [name]: (base[name] ?? 0) + 1 };
        fc.pre(base.keepLast > 0);
        // The oldest one is kept for a rule that still has room, which one more may fill.
        const times = countedOf(items, when.now).map(({ startedAt }) => startedAt.getTime());
        const oldestMs = Math.min(...times);
        const before = keptOf(items, planRetention(items, base, when));
        const after = keptOf(items, planRetention(items, raised, when));

        expect(
          before.filter((each) => each.startedAt.getTime() !== oldestMs && !after.includes(each)),
        ).toEqual([]);
      }),
      runs,
    );
  });
});
