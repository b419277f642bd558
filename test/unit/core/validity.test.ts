import { describe, expect, test } from 'vitest';
import { isRenewalDue, lifetimeMs } from '../../../src/core/validity.ts';

const day = 24 * 60 * 60_000;
const now = new Date('2026-11-21T00:00:00Z');

function lasting(lifeDays: number, leftDays: number) {
  const expiresAt = new Date(now.getTime() + leftDays * day);
  return { validFrom: new Date(expiresAt.getTime() - lifeDays * day), expiresAt };
}

describe('the successor of a certificate', () => {
  test.each([
    ['of a day', 1, 0.11, 0.09],
    ['of 90 days', 90, 9.1, 8.9],
    ['of a year, as kubeadm makes them', 365, 30.1, 29.9],
    ['of ten years', 3650, 30.1, 29.9],
  ])('%s is due when little is left', (_, life, enough, little) => {
    expect(isRenewalDue(lasting(life, enough), now)).toBe(false);
    expect(isRenewalDue(lasting(life, little), now)).toBe(true);
    expect(isRenewalDue(lasting(life, -1), now)).toBe(true);
  });

  test('is not asked of its life by the time that is left', () => {
    expect(lifetimeMs(lasting(90, 3))).toBe(90 * day);
  });
});
