import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { planRetry } from '../../../src/daemon/retry.ts';

const rules = { retries: 20, retryDelayMs: 30_000, retryDelayMaxMs: 600_000 };
const failure = new Failure('cluster-unreachable', 'no member answers');

function plan(over: object = {}, random = 0) {
  return planRetry({ failure, attempt: 1, nextInMs: 3_600_000, ...over }, rules, () => random);
}

describe('the plan of a retry', () => {
  test('doubles the wait up to the longest one', () => {
    const waits = [1, 2, 3, 4, 5, 6, 20].map((attempt) => plan({ attempt }));

    expect(waits.map((each) => 'delayMs' in each && each.delayMs / 1000)).toEqual([
      30, 60, 120, 240, 480, 600, 600,
    ]);
  });

  test('shortens the wait by up to a half, so that many daemons come apart', () => {
    expect([plan({}, 0), plan({}, 0.5), plan({}, 0.999_999)]).toEqual([
      { delayMs: 30_000, attempt: 2 },
      { delayMs: 22_500, attempt: 2 },
      { delayMs: 15_000, attempt: 2 },
    ]);
  });

  test('ends where the next due time has come or comes first', () => {
    expect(plan({ nextInMs: 0 })).toHaveProperty('ended');
    expect(plan({ nextInMs: 30_000 })).toHaveProperty('ended');
    expect(plan({ nextInMs: 30_001 })).toHaveProperty('delayMs', 30_000);
  });

  test('ends after the last try, and at once when retries are off', () => {
    expect(plan({ attempt: 21 })).toEqual({ ended: 'all 21 tries failed' });
    expect(
      planRetry({ failure, attempt: 1, nextInMs: 1e9 }, { ...rules, retries: 0 }, () => 0),
    ).toEqual({ ended: 'it is not to be tried again' });
  });

  test('ends at once for a failure that no try can mend', () => {
    const denied = new Failure('cluster-permission', 'permission denied');

    expect(plan({ failure: denied })).toEqual({ ended: 'trying again does not help' });
  });
});
