/**
 * The calendar periods a time falls in, by the wall clock of a time zone. A key names its period
 * for people and sets it apart from every other period of its kind.
 */
import { Failure } from './errors.ts';

/** From short to long. */
export const periodNames = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type PeriodName = (typeof periodNames)[number];
export type PeriodKeys = Readonly<Record<PeriodName, string>>;

const dayMs = 24 * 60 * 60 * 1000;
const thursday = 4;

const shownParts = {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  timeZoneName: 'longOffset',
} as const;

/** `Europe/Berlin`, `UTC`... Throws `config-invalid` for a zone that Node does not know. */
export function periodsIn(timezone: string): (time: Date) => PeriodKeys {
  const format = wallClock(timezone, shownParts);
  return (time) => {
    const parts = Object.fromEntries(
      format.formatToParts(time).map((part) => [part.type, part.value]),
    );
    const { year = '', month = '', day = '', hour = '', timeZoneName = '' } = parts;
    const date = `${year}-${month}-${day}`;
    // The offset tells the two hours apart that carry one name when summer time ends.
    const offset = timeZoneName.slice('GMT'.length) || '+00:00';
    return {
      hourly: `${date} ${hour}:00${offset}`,
      daily: date,
      weekly: isoWeek(Number(year), Number(month), Number(day)),
      monthly: `${year}-${month}`,
      yearly: year,
    };
  };
}

/** What the clocks on the wall of a zone show. Throws `config-invalid`. */
export function wallClock(
  timezone: string,
  parts: Intl.DateTimeFormatOptions,
): Intl.DateTimeFormat {
  const fixed = { calendar: 'iso8601', numberingSystem: 'latn', hourCycle: 'h23' } as const;
  try {
    return new Intl.DateTimeFormat('en', { ...fixed, ...parts, timeZone: timezone });
  } catch (thrown) {
    throw new Failure('config-invalid', `not a time zone: ${timezone}`, { cause: thrown });
  }
}

/** `2026-W47`: weeks begin on Monday and belong to the year of their Thursday (ISO 8601). */
function isoWeek(year: number, month: number, day: number): string {
  // The wall clock's date, counted as if it were UTC: no change of the clock can shift it.
  const date = Date.UTC(year, month - 1, day);
  const weekday = new Date(date).getUTCDay() || 7;
  const middle = new Date(date + (thursday - weekday) * dayMs);
  const firstDay = Date.UTC(middle.getUTCFullYear(), 0, 1);
  const week = 1 + Math.floor((middle.getTime() - firstDay) / (7 * dayMs));
  return `${middle.getUTCFullYear()}-W${String(week).padStart(2, '0')}`;
}
