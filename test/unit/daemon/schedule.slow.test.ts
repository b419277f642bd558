import fc from 'fast-check';
import { getTasks } from 'node-cron';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { parseSchedule } from '../../../src/daemon/schedule.ts';
import { minute, setClock } from './rig.ts';

function dueTimes(cron: string, timezone: string, after: string, count: number): string[] {
  const schedule = parseSchedule({ cron, timezone });
  const found: string[] = [];
  let time = new Date(after);
  while (found.length < count) {
    time = schedule.next(time);
    found.push(time.toISOString().replace('.000Z', 'Z'));
  }
  return found;
}

function backwards(cron: string, timezone: string, before: string, count: number): string[] {
  const schedule = parseSchedule({ cron, timezone });
  const found: string[] = [];
  let time = new Date(before);
  while (found.length < count) {
    time = schedule.previous(time) as Date;
    found.unshift(time.toISOString().replace('.000Z', 'Z'));
    time = new Date(time.getTime() - 1);
  }
  return found;
}

function refusal(cron: string, timezone = 'UTC'): unknown {
  try {
    return parseSchedule({ cron, timezone });
  } catch (thrown) {
    return thrown;
  }
}

describe('a schedule', () => {
  test('is due strictly later than the time that is given', () => {
    expect(dueTimes('0 * * * *', 'UTC', '2026-11-20T10:00:00Z', 2)).toEqual([
      '2026-11-20T11:00:00Z',
      '2026-11-20T12:00:00Z',
    ]);
    expect(dueTimes('0 * * * *', 'UTC', '2026-11-20T09:59:59.999Z', 1)).toEqual([
      '2026-11-20T10:00:00Z',
    ]);
  });

  test('has a newest due time at or before a time', () => {
    const { previous } = parseSchedule({ cron: '0 * * * *', timezone: 'UTC' });

    expect(previous(new Date('2026-11-20T10:00:00Z'))).toEqual(new Date('2026-11-20T10:00:00Z'));
    expect(previous(new Date('2026-11-20T10:59:59Z'))).toEqual(new Date('2026-11-20T10:00:00Z'));
    expect(previous(new Date('2026-11-20T09:59:59.999Z'))).toEqual(
      new Date('2026-11-20T09:00:00Z'),
    );
  });

  test('reads six fields with the second first', () => {
    expect(dueTimes('*/20 30 4 * * *', 'UTC', '2026-11-20T04:30:10.5Z', 3)).toEqual([
      '2026-11-20T04:30:20Z',
      '2026-11-20T04:30:40Z',
      '2026-11-21T04:30:00Z',
    ]);
  });

  test('knows the last day of a month and the last Friday', () => {
    expect(dueTimes('0 0 L * *', 'UTC', '2028-02-01T00:00:00Z', 2)).toEqual([
      '2028-02-29T00:00:00Z',
      '2028-03-31T00:00:00Z',
    ]);
    expect(dueTimes('0 0 * * 5L', 'UTC', '2026-11-01T00:00:00Z', 1)).toEqual([
      '2026-11-27T00:00:00Z',
    ]);
  });

  test('finds a date that comes every 40 years', () => {
    expect(dueTimes('0 0 29 2 1', 'UTC', '2072-03-01T00:00:00Z', 1)).toEqual([
      '2112-02-29T00:00:00Z',
    ]);
  });
});

describe('in the night in which the clock is put forward, a schedule', () => {
  test('moves a nightly time that does not exist in Berlin to the moment of the change', () => {
    const expected = ['2026-03-28T01:30:00Z', '2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z'];

    expect(dueTimes('30 2 * * *', 'Europe/Berlin', '2026-03-27T12:00:00Z', 3)).toEqual(expected);
    expect(backwards('30 2 * * *', 'Europe/Berlin', '2026-03-30T12:00:00Z', 3)).toEqual(expected);
  });

  test('does the same in New York', () => {
    expect(dueTimes('30 2 * * *', 'America/New_York', '2026-03-07T12:00:00Z', 2)).toEqual([
      '2026-03-08T07:00:00Z',
      '2026-03-09T06:30:00Z',
    ]);
  });

  test('does the same where midnight does not exist', () => {
    expect(dueTimes('0 0 * * *', 'Africa/Cairo', '2026-04-22T23:00:00Z', 2)).toEqual([
      '2026-04-23T22:00:00Z',
      '2026-04-24T21:00:00Z',
    ]);
  });

  test('keeps one real hour between hourly times', () => {
    expect(dueTimes('30 * * * *', 'Europe/Berlin', '2026-03-28T23:31:00Z', 3)).toEqual([
      '2026-03-29T00:30:00Z',
      '2026-03-29T01:30:00Z',
      '2026-03-29T02:30:00Z',
    ]);
  });

  test('is due once where the missing time and the change fall together', () => {
    expect(dueTimes('0 2,3 * * *', 'Europe/Berlin', '2026-03-28T23:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00Z',
      '2026-03-30T00:00:00Z',
    ]);
  });
});

describe('in the night in which the clock is put back, a schedule', () => {
  test('is due in both of the doubled hours of Berlin', () => {
    const expected = ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-10-26T01:30:00Z'];

    expect(dueTimes('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 3)).toEqual(expected);
    expect(backwards('30 2 * * *', 'Europe/Berlin', '2026-10-26T12:00:00Z', 3)).toEqual(expected);
  });

  test('is due in both of the doubled hours of New York', () => {
    expect(dueTimes('30 1 * * *', 'America/New_York', '2026-10-31T12:00:00Z', 3)).toEqual([
      '2026-11-01T05:30:00Z',
      '2026-11-01T06:30:00Z',
      '2026-11-02T06:30:00Z',
    ]);
  });

  test('leaves no gap of two hours between hourly times', () => {
    const expected = [
      '2026-10-24T23:30:00Z',
      '2026-10-25T00:30:00Z',
      '2026-10-25T01:30:00Z',
      '2026-10-25T02:30:00Z',
    ];

    expect(dueTimes('30 * * * *', 'Europe/Berlin', '2026-10-24T22:31:00Z', 4)).toEqual(expected);
    expect(backwards('30 * * * *', 'Europe/Berlin', '2026-10-25T02:31:00Z', 4)).toEqual(expected);
  });
});

describe('whatever the rule, the zone and the time, a schedule', () => {
  const crons = ['30 2 * * *', '*/7 * * * *', '15 */5 1-7 * 1', '59 23 L * *', '1 0,1,2,3 * * *'];
  const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo'];
  const from = Date.UTC(2026, 0, 1);
  const until = Date.UTC(2028, 0, 1);

  test('goes forth and back over the same due times', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...crons),
        fc.constantFrom(...zones),
        fc.integer({ min: from, max: until }),
        (cron, timezone, timeMs) => {
          const schedule = parseSchedule({ cron, timezone });
          const time = new Date(timeMs);
          const next = schedule.next(time);
          const previous = schedule.previous(time) as Date;

          expect(next.getTime()).toBeGreaterThan(timeMs);
          expect(previous.getTime()).toBeLessThanOrEqual(timeMs);
          expect(schedule.previous(next)).toEqual(next);
          expect(schedule.next(previous)).toEqual(next);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('parsing refuses', () => {
  test.each([
    ['61 * * * *', 'not a schedule: "61 * * * *": 61 is no minute'],
    ['0 0 * * 8', 'not a schedule: "0 0 * * 8": 8 is no day of week'],
    ['* * *', 'not a schedule: "* * *": expected 5 or 6 fields but got 3'],
    ['0 0 30 2 *', 'not a schedule: "0 0 30 2 *": there is no such date'],
    ['0 0 31 4,6 *', 'not a schedule: "0 0 31 4,6 *": there is no such date'],
    // The nearest weekday to the first is never a Sunday: nothing in the fields says so.
    ['0 0 1W * 0', 'not a schedule: "0 0 1W * 0": there is no such date'],
  ])('%s with its reason', (cron, message) => {
    expect(refusal(cron)).toMatchObject({ code: 'config-invalid', message });
  });

  test('a time zone that does not exist', () => {
    expect(refusal('0 * * * *', 'Europe/Bonn')).toMatchObject({
      code: 'config-invalid',
      message: 'not a time zone: Europe/Bonn',
    });
  });
});

describe('ticks', () => {
  afterEach(() => void vi.useRealTimers());

  test('come at the due times until they are disposed of', async () => {
    vi.useFakeTimers({ now: new Date('2026-11-20T10:03:00Z') });
    const ticked: string[] = [];
    const schedule = parseSchedule({ cron: '*/5 * * * *', timezone: 'UTC' });
    const ticks = schedule.startTicks(() => void ticked.push(new Date().toISOString()));

    await vi.advanceTimersByTimeAsync(9 * minute);
    ticks[Symbol.dispose]();
    await vi.advanceTimersByTimeAsync(9 * minute);

    expect(ticked).toEqual(['2026-11-20T10:05:00.000Z', '2026-11-20T10:10:00.000Z']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('leave nothing behind in the registry of the package', () => {
    const schedule = parseSchedule({ cron: '*/5 * * * *', timezone: 'UTC' });
    const before = getTasks().size;
    const ticks = schedule.startTicks(() => undefined);

    const meanwhile = getTasks().size;
    ticks[Symbol.dispose]();

    expect(meanwhile).toBe(before + 1);
    expect(getTasks().size).toBe(before);
  });

  test('follow a clock that was put back once they are restarted', async () => {
    vi.useFakeTimers({ now: new Date('2026-11-20T10:03:00Z') });
    const ticked: string[] = [];
    const schedule = parseSchedule({ cron: '*/5 * * * *', timezone: 'UTC' });
    using ticks = schedule.startTicks(() => void ticked.push(new Date().toISOString()));

    setClock('2026-11-20T05:03:00Z');
    ticks.restart();
    await vi.advanceTimersByTimeAsync(3 * minute);

    expect(ticked).toEqual(['2026-11-20T05:05:00.000Z']);
  });
});
