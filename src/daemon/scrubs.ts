/** Scrubs, as a chore of the daemon: what they read by which time, and when they come again. */
import type { ScrubPace } from '../engine/plan-scrub.ts';
import type { Chore } from './chores.ts';
import type { WorkOptions } from './job.ts';
import { gapsAfter, type Schedule } from './schedule.ts';

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
/** Longest time between two of the next due times; a day where there are none. */
export function longestGap(schedule: Schedule | undefined, now: Date): number {
  return schedule === undefined ? dayMs : Math.max(...gapsAfter(schedule, now));
}
