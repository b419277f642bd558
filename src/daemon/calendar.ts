/**
 * Finds due times of a rule in a time zone. Pure.
 *
 * A due time is every instant at which the wall clock shows a time of the rule. An hour that the
 * clock shows twice is due twice: one backup more harms nobody. A time that a change of the clock
 * leaves out is due at the moment of the change, or a nightly backup would be lost once a year; a
 * rule for every hour loses nothing by a change and gets nothing extra.
 */
import { changeBetween, type OffsetAt } from './wall-clock.ts';

export interface DueRule {
  readonly offsetAt: OffsetAt;
  /** Whether the date that the wall clock shows at this time is one of the rule. */
  readonly onDayOf: (timeMs: number) => boolean;
  /** Ascending. */
  readonly hours: readonly number[];
  readonly minutes: readonly number[];
  readonly seconds: readonly number[];
}

/** A part of the time line in which the wall clock runs evenly: from (with) to (without). */
interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  readonly offsetMs: number;
}

const secondMs = 1000;
const dayMs = 24 * 60 * 60 * secondMs;
// A 29 February that has to be a Monday comes every 28 years, and after 40 around the year 2100.
const horizonMs = 41 * 366 * dayMs;

/** The first due time later than `afterMs`. */
export function nextDue(rule: DueRule, afterMs: number): number | undefined {
  return firstDue(rule, afterMs, afterMs + horizonMs);
}

/** The last due time at or before `beforeMs`. */
export function previousDue(rule: DueRule, beforeMs: number): number | undefined {
  const earliestMs = beforeMs - horizonMs;
  for (let endMs = beforeMs; endMs > earliestMs; endMs -= dayMs) {
    const first = firstDue(rule, endMs - dayMs, endMs);
    if (first !== undefined) return lastDue(rule, first, endMs);
  }
  return undefined;
}

/** The last due time up to `endMs`, given one before it: halves the doubt until none is left. */
function lastDue(rule: DueRule, knownMs: number, endMs: number): number {
  let last = knownMs;
  let clear = endMs;
  for (;;) {
    const following = firstDue(rule, last, clear);
    if (following === undefined) return last;
    const middle = Math.floor((following + clear) / 2);
    const later = firstDue(rule, middle, clear);
    last = later ?? following;
    if (later === undefined) clear = middle;
  }
}

/** The first due time later than `afterMs` and not later than `untilMs`. */
function firstDue(rule: DueRule, afterMs: number, untilMs: number): number | undefined {
  for (let fromMs = afterMs; fromMs < untilMs; fromMs += dayMs) {
    const found = firstOfDay(rule, fromMs, Math.min(fromMs + dayMs, untilMs));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The same for a span of at most a day, in which the clock changes at most once. */
function firstOfDay(rule: DueRule, afterMs: number, untilMs: number): number | undefined {
  const { offsetAt } = rule;
  const early = offsetAt(afterMs);
  const late = offsetAt(untilMs);
  const fromMs = Math.floor(afterMs / secondMs) * secondMs + secondMs;
  const toMs = untilMs + 1;
  if (early === late) return firstIn(rule, { fromMs, toMs, offsetMs: early });

  const changeMs = changeBetween(offsetAt, afterMs, untilMs);
  const before = firstIn(rule, { fromMs, toMs: changeMs, offsetMs: early });
  if (before !== undefined) return before;
  if (leavesOut(rule, changeMs, early, late)) return changeMs;
  return firstIn(rule, { fromMs: Math.max(fromMs, changeMs), toMs, offsetMs: late });
}

function firstIn(rule: DueRule, stretch: Stretch): number | undefined {
  const { fromMs, toMs, offsetMs } = stretch;
  for (let day = startOfDay(fromMs + offsetMs); day < toMs + offsetMs; day += dayMs) {
    const earliestMs = Math.max(day, fromMs + offsetMs);
    if (!rule.onDayOf(earliestMs - offsetMs)) continue;
    const time = timeOfDay(rule, (earliestMs - day) / secondMs);
    if (time === undefined) continue;
    const foundMs = day + time * secondMs - offsetMs;
    return foundMs < toMs ? foundMs : undefined;
  }
  return undefined;
}

/** Whether the wall clock jumps over a time of the rule when it is put forward at `changeMs`. */
function leavesOut(rule: DueRule, changeMs: number, early: number, late: number): boolean {
  if (rule.hours.length === 24) return false;
  for (let day = startOfDay(changeMs + early); day < changeMs + late; day += dayMs) {
    const shown = startOfDay(changeMs + late) === day ? changeMs : changeMs - 1;
    if (!rule.onDayOf(shown)) continue;
    const from = Math.max(0, (changeMs + early - day) / secondMs);
    const time = timeOfDay(rule, from);
    if (time !== undefined && day + time * secondMs < changeMs + late) return true;
  }
  return false;
}

/** The first time of the rule at or after a second of the day. */
function timeOfDay(rule: DueRule, fromSecond: number): number | undefined {
  for (const hour of rule.hours) {
    if ((hour + 1) * 3600 <= fromSecond) continue;
    for (const minute of rule.minutes) {
      const start = hour * 3600 + minute * 60;
      const second = rule.seconds.find((each) => start + each >= fromSecond);
      if (second !== undefined) return start + second;
    }
  }
  return undefined;
}

function startOfDay(wallMs: number): number {
  return Math.floor(wallMs / dayMs) * dayMs;
}
