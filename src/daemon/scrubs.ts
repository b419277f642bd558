/** Scrubs, as a chore of the daemon: what they read by which time, and when they come again. */
import type { ScrubPace } from '../engine/plan-scrub.ts';
import type { Chore } from './chores.ts';
import type { WorkOptions } from './job.ts';
import { gapsAfter, type Schedule } from './schedule.ts';
import { drawLimitMs, type TurnDeps, waitFor } from './turns.ts';

export interface ScrubPlan {
  /** Undefined: none by themselves. */
  readonly schedule: Schedule | undefined;
  readonly withinMs: number;
  /**
   * `ownOnly`: without the stores of several daemons, where another one goes first. Tells its own
   * end, well or badly; throws only when it is aborted.
   */
  readonly run: (
    pace: Omit<ScrubPace, 'now'>,
    options: WorkOptions & { readonly ownOnly: boolean },
  ) => Promise<unknown>;
  readonly now: () => Date;
  /** Left out: there are no turns. */
  readonly drawTurn?: TurnDeps['drawTurn'];
}

/** What is asked for as `scrub`. */
export function scrubChore(plan: ScrubPlan): Chore {
  const { schedule, withinMs, run, now } = plan;
  let held: Held | undefined;
  const heldUntil = async (slot: Date, periodMs: number, signal: AbortSignal): Promise<number> => {
    if (held?.slot.getTime() === slot.getTime()) return held.untilMs;
    const drawn = await holdOff(slot, periodMs, plan, signal);
    signal.throwIfAborted();
    held = drawn;
    return drawn.untilMs;
  };
  return {
    name: 'scrub',
    schedule,
    run: async ({ asked, ...options }) => {
      const at = now();
      // Where a backup interrupted it, what it has read since its due time is not read again.
      const since = schedule?.previous(at) ?? at;
      const periodMs = longestGap(schedule, at);
      // Who asks waits for nobody.
      const untilMs = asked ? 0 : await heldUntil(since, periodMs, options.signal);
      const ownOnly = performance.now() < untilMs;
      await run({ since, withinMs, periodMs }, { ...options, ownOnly });
      return ownOnly ? { againInMs: Math.max(0, untilMs - performance.now()) } : {};
    },
    gaveWay: (detail) => ({ kind: 'scrub-gave-way', detail }),
    broke: (failure) => ({ kind: 'scrub-failed', failure }),
  };
}

interface Held {
  readonly slot: Date;
  /** On the clock of `performance.now()`. */
  readonly untilMs: number;
}

/**
 * Daemons that read one store in step would each read all of it. Who is not first in line comes
 * hours later, and reads what nobody has read since: nothing, where the first did its work.
 */
async function holdOff(
  slot: Date,
  periodMs: number,
  { drawTurn }: ScrubPlan,
  signal: AbortSignal,
): Promise<Held> {
  const startedMs = performance.now();
  const either = AbortSignal.any([signal, AbortSignal.timeout(drawLimitMs)]);
  const turn = await drawTurn?.(slot, { signal: either }).catch(() => undefined);
  return { slot, untilMs: startedMs + waitFor(turn, periodMs, periodMs) };
}

const dayMs = 24 * 60 * 60 * 1000;
/** Longest time between two of the next due times; a day where there are none. */
export function longestGap(schedule: Schedule | undefined, now: Date): number {
  return schedule === undefined ? dayMs : Math.max(...gapsAfter(schedule, now));
}
