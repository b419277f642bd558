import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { periodsIn } from '../../../src/core/periods.ts';

const keys = (timezone: string, time: string) => periodsIn(timezone)(new Date(time));

describe('calendar periods', () => {
  test('follow the wall clock of the time zone', () => {
    expect(keys('UTC', '2026-12-31T23:30:00Z')).toEqual({
      hourly: '2026-12-31 23:00+00:00',
      daily: '2026-12-31',
      weekly: '2026-W53',
      monthly: '2026-12',
      yearly: '2026',
    });
    expect(keys('Asia/Kolkata', '2026-12-31T23:30:00Z')).toEqual({
      hourly: '2027-01-01 05:00+05:30',
      daily: '2027-01-01',
      weekly: '2026-W53',
      monthly: '2027-01',
      yearly: '2027',
    });
  });

  test('tell apart the two hours of one name when summer time ends', () => {
    expect(keys('Europe/Berlin', '2026-10-25T00:30:00Z').hourly).toBe('2026-10-25 02:00+02:00');
    expect(keys('Europe/Berlin', '2026-10-25T01:30:00Z').hourly).toBe('2026-10-25 02:00+01:00');
    expect(keys('Australia/Lord_Howe', '2026-04-04T14:45:00Z').hourly).toBe(
      '2026-04-05 01:00+11:00',
    );
    expect(keys('Australia/Lord_Howe', '2026-04-04T15:15:00Z').hourly).toBe(
      '2026-04-05 01:00+10:30',
    );
  });

  test('begin a day at its own midnight on the days of the change', () => {
    expect(keys('Europe/Berlin', '2026-03-28T22:59:59Z').daily).toBe('2026-03-28');
    expect(keys('Europe/Berlin', '2026-03-28T23:00:00Z').daily).toBe('2026-03-29');
    expect(keys('Europe/Berlin', '2026-03-29T21:59:59Z').daily).toBe('2026-03-29');
    expect(keys('Europe/Berlin', '2026-03-29T22:00:00Z').daily).toBe('2026-03-30');
  });

  test.each([
    ['2020-12-31', '2020-W53'],
    ['2021-01-03', '2020-W53'],
    ['2021-01-04', '2021-W01'],
    ['2024-12-29', '2024-W52'],
    ['2024-12-30', '2025-W01'],
    ['2026-01-01', '2026-W01'],
    ['2026-11-20', '2026-W47'],
    ['2026-12-31', '2026-W53'],
    ['2027-01-03', '2026-W53'],
    ['2027-01-04', '2027-W01'],
    ['2028-01-02', '2027-W52'],
  ])('put %s into the ISO week %s', (day, week) => {
    expect(keys('UTC', `${day}T12:00:00Z`).weekly).toBe(week);
  });

  test('have seven days in every week', () => {
    const daysOf = Map.groupBy(
      Array.from({ length: 7 * 600 }, (_, day) => new Date(Date.UTC(2019, 11, 30 + day))),
      (day) => keys('UTC', day.toISOString()).weekly,
    );

    expect(new Set([...daysOf.values()].map((days) => days.length))).toEqual(new Set([7]));
  });

  test('agree with the clock in UTC at any time', () => {
    const inUtc = periodsIn('UTC');
    const min = new Date('1970-01-01T00:00:00Z');
    const max = new Date('9999-12-31T23:59:59Z');
    fc.assert(
      fc.property(fc.date({ min, max, noInvalidDate: true }), (time) => {
        const iso = time.toISOString();
        expect(inUtc(time)).toMatchObject({
          hourly: `${iso.slice(0, 10)} ${iso.slice(11, 13)}:00+00:00`,
          daily: iso.slice(0, 10),
          monthly: iso.slice(0, 7),
          yearly: iso.slice(0, 4),
        });
      }),
    );
  });
});
