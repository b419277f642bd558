/** What the clocks on the wall of a time zone show, and when they are changed. Pure. */
import { wallClock } from '../core/periods.ts';

/** Milliseconds that the wall clock of a zone is ahead of UTC at a time. */
export type OffsetAt = (timeMs: number) => number;

const shownParts = {
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
} as const;

export function offsetsIn(timezone: string): OffsetAt {
  const format = wallClock(timezone, shownParts);
  return (timeMs) => {
    const parts: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(timeMs)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(timeMs / 1000) * 1000;
  };
}

/** The first millisecond behind `earlierMs` that has the offset of `laterMs`: they must differ. */
export function changeBetween(offsetAt: OffsetAt, earlierMs: number, laterMs: number): number {
  const offset = offsetAt(laterMs);
  let before = earlierMs;
  let after = laterMs;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(middle) === offset) after = middle;
    else before = middle;
  }
  return after;
}
