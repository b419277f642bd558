/** Scrubs, as a chore of the daemon: what they read by which time, and when they come again. */
import type { ScrubPace } from '../engine/plan-scrub.ts';
import type { Chore } from './chores.ts';
import type { WorkOptions } from './job.ts';
import type { Schedule } from './schedule.ts';

export interface ScrubPlan {
  /** Undefined: none by themselves. */
  readonly schedule: Schedule | undefined;
  readonly withinMs: number;
  /** Tells its own end, well or badly; throws only when it is aborted. */
  readonly run: (pace: Omit<ScrubPace, 'now'>, options: WorkOptions) => Promise<unknown>;
  readonly now: () => Date;
}

/** What is asked for as `scrub`. */
export function scrubChore({ schedule, withinMs, run, now }: ScrubPlan): Chore {
  return {
    name: 'scrub',
    schedule,
    run: async (options) => {
      const at = now();
      // Where a backup interrupted it, what it has read since its due time is not read again.
      const since = schedule?.previous(at) ?? at;
      await run({ since, withinMs, periodMs: longestGap(schedule, at) }, options);
      return {};
    },
    gaveWay: (detail) => ({ kind: 'scrub-gave-way', detail }),
    broke: (failure) => ({ kind: 'scrub-failed', failure }),
  };
}

const dayMs = 24 * 60 * 60 * 1000;
// Enough for a week in which each day has a rule of its own.
const gapsLookedAt = 10;

/** Longest time between two of the next due times; a day where there are none. */
export function longestGap(schedule: Schedule | undefined, now: Date): number {
  if (schedule === undefined) return dayMs;
  let longestMs = 0;
  let due = schedule.next(now);
  for (let gap = 0; gap < gapsLookedAt; gap += 1) {
    const next = schedule.next(due);
    longestMs = Math.max(longestMs, next.getTime() - due.getTime());
    due = next;
  }
  return longestMs;
}
