import { describe, expect, test } from 'vitest';
import { clusterId } from '../../../src/core/backup.ts';
import { planRetention, retentionItem } from '../../../src/core/retention.ts';
import { caseNames, itemAt, itemsOf, printPlan, readCase, updateCase } from './retention-cases.ts';
import { sampleManifest } from './sample-manifest.ts';

const frame = { now: new Date('2026-11-20T12:00:00Z'), timezone: 'UTC' };
const daysAgo = (days: number) => new Date(frame.now.getTime() - days * 24 * 3600 * 1000);

describe('retention', () => {
  test.each(caseNames)('plans as in %s', (name) => {
    const found = readCase(name);
    const { now, timezone, policy } = found;

    const plan = printPlan(planRetention(itemsOf(found), policy, { now: new Date(now), timezone }));

    updateCase(name, found, plan);
    expect(plan).toEqual(process.env.UPDATE_GOLDEN === '1' ? plan : found.plan);
  });

  test('plans nothing for nothing', () => {
    expect(planRetention([], { keepLast: 1, minimum: 3 }, frame)).toEqual([]);
  });

  test('takes rules that are no positive number for rules that are off', () => {
    const items = [1, 2, 3].map((days) => itemAt(daysAgo(days)));
    const policy = { keepLast: 0, daily: -1, weekly: Number.NaN, keepWithinMs: 0, minimum: -5 };

    const plan = planRetention(items, policy, frame);

    expect(plan.map(({ keep }) => keep)).toEqual([true, true, true]);
    expect(plan.at(-1)?.reasons).toEqual(['no rule is set: everything is kept']);
  });

  test('refuses to plan by a time that is none', () => {
    const items = [itemAt(daysAgo(1))];
    const invalid = new Date(Number.NaN);

    expect(() => planRetention(items, {}, { ...frame, now: invalid })).toThrow('no valid time');
    expect(() => planRetention([{ ...itemAt(daysAgo(1)), startedAt: invalid }], {}, frame)).toThrow(
      'no valid time',
    );
  });

  test('refuses a time zone that does not exist', () => {
    const policy = { daily: 1 };

    expect(() =>
      planRetention([itemAt(daysAgo(1))], policy, { ...frame, timezone: 'Mars/Olympus' }),
    ).toThrow('not a time zone: Mars/Olympus');
  });

  test('orders by time and never by name, also when a revision gains a digit', () => {
    const older = { ...itemAt(daysAgo(2)), id: 'z' as never };
    const newer = { ...itemAt(daysAgo(1)), id: 'a' as never };

    const plan = planRetention([older, newer], { keepLast: 1 }, frame);

    expect(plan.map(({ id, keep }) => [id, keep])).toEqual([
      ['a', true],
      ['z', false],
    ]);
  });

  test('reads hold and proof from the manifest', () => {
    const manifest = sampleManifest({
      cluster: { id: clusterId('1'), name: 'x' },
      hold: { at: frame.now, reason: 'audit' },
    });
    const { received, ...proofs } = manifest.proofs;

    const item = retentionItem(manifest);
    const unproved = retentionItem({ ...manifest, proofs, hold: null });

    expect(received?.outcome).toBe('passed');
    expect(item).toEqual({
      id: manifest.id,
      startedAt: manifest.startedAt,
      proved: true,
      held: 'audit',
    });
    expect(unproved).toMatchObject({ proved: false, held: null });
  });
});
