/** Drills, as a chore of the daemon. */
import type { Chore } from './chores.ts';
import type { WorkOptions } from './job.ts';
import type { Schedule } from './schedule.ts';

export interface DrillPlan {
  /** Undefined: only by request. */
  readonly schedule: Schedule | undefined;
  /** Tells its own end, well or badly; throws only when it is aborted. */
  readonly run: (options: WorkOptions) => Promise<unknown>;
}

/** What is asked for as `drill`. */
export function drillChore({ schedule, run }: DrillPlan): Chore {
  return {
    name: 'drill',
    schedule,
    run: async (options) => {
      await run(options);
      return {};
    },
    gaveWay: (detail) => ({ kind: 'drill-skipped', reason: 'backup-due', detail }),
    broke: (failure) => ({ kind: 'drill-failed', backup: null, store: null, failure }),
  };
}
