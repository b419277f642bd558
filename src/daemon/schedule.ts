/**
 * The schedule: which times are due, and a timer that says so. The only door to node-cron, which
 * reads the expression, matches dates, and ticks.
 *
 * node-cron's timer is not trusted alone: after its clock was put back it sleeps until the old
 * time comes again, and what it finds to be late by more than a second it does not run. So a tick
 * only wakes the loop, which looks at the clock by itself as well.
 */
import { createTask, type ParsedFields, validateDetailed } from 'node-cron';
import { Failure } from '../core/errors.ts';
import { type DueRule, nextDue, previousDue } from './calendar.ts';
import { offsetsIn } from './wall-clock.ts';

export interface Schedule {
  /** The first due time later than this. */
  next(after: Date): Date;
  /** The newest due time at or before this. */
  previous(before: Date): Date | undefined;
  /** Calls `onTick` about when a time is due: it may come late, twice or never. */
  startTicks(onTick: () => void): Ticks;
}

export interface Ticks extends Disposable {
  /** Must be called when the clock has jumped: node-cron counts through every time between. */
  restart(): void;
}

export interface ScheduleOptions {
  /** Five fields, or six with the second first. */
  readonly cron: string;
  readonly timezone: string;
}

// Whether a rule ever comes does not depend on today, and parsing does not read the clock.
const anyTimeMs = Date.UTC(2000, 0, 1);

/** Throws `config-invalid` for an expression that is none, or that never comes. */
export function parseSchedule({ cron, timezone }: ScheduleOptions): Schedule {
  const rule = ruleOf(parseFields(cron), timezone);
  if (nextDue(rule, anyTimeMs) === undefined) throw refusal(cron, 'there is no such date');
  return {
    next(after) {
      const dueMs = nextDue(rule, after.getTime());
      if (dueMs === undefined) throw new Failure('internal', `nothing is due after ${+after}`);
      return new Date(dueMs);
    },
    previous(before) {
      const dueMs = previousDue(rule, before.getTime());
      return dueMs === undefined ? undefined : new Date(dueMs);
    },
    startTicks: (onTick) => startTicks(cron, timezone, onTick),
  };
}

// Enough for a week in which each day has a rule of its own.
const gapsLookedAt = 10;

/** The times between the next due times, in milliseconds. */
export function gapsAfter(schedule: Schedule, now: Date): readonly number[] {
  const gaps: number[] = [];
  let due = schedule.next(now);
  while (gaps.length < gapsLookedAt) {
    const next = schedule.next(due);
    gaps.push(next.getTime() - due.getTime());
    due = next;
  }
  return gaps;
}

function parseFields(cron: string): ParsedFields {
  const { valid, fields, errors } = validateDetailed(cron);
  if (valid && fields !== undefined) return fields;
  throw refusal(cron, errors.map(reasonOf).join(', '));
}

function reasonOf(error: { field: string; value?: string; message: string }): string {
  if (error.field === 'expression') return error.message;
  if (error.message.includes('impossible')) return 'there is no such date';
  const field = error.field.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return `${error.value} is no ${field}`;
}

function refusal(cron: string, reason: string): Failure {
  return new Failure('config-invalid', `not a schedule: "${cron}": ${reason}`);
}

function ruleOf(fields: ParsedFields, timezone: string): DueRule {
  const days = [fields.dayOfMonth, fields.month, fields.dayOfWeek].map((values) => values.join());
  const offsetAt = offsetsIn(timezone);
  const task = createTask(`* * * ${days.join(' ')}`, () => undefined, { timezone });
  // Tasks are kept in a registry of the package; one that only answers questions need not be.
  void task.destroy();
  return {
    offsetAt,
    onDayOf: (timeMs) => task.match(new Date(timeMs)),
    hours: ascending(fields.hour),
    minutes: ascending(fields.minute),
    seconds: ascending(fields.second),
  };
}

function ascending(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((left, right) => left - right);
}

function startTicks(cron: string, timezone: string, onTick: () => void): Ticks {
  const task = createTask(cron, onTick, { timezone });
  // Without a listener node-cron writes a line of its own to the console.
  task.on('execution:missed', onTick);
  void task.start();
  return {
    restart() {
      void task.stop();
      void task.start();
    },
    [Symbol.dispose]() {
      void task.destroy();
    },
  };
}
