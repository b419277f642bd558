/**
 * What a dead store missed is made up for, as a chore of the daemon: when the daemon starts, when a
 * store did not take a backup, by schedule, and again with growing pauses until nothing is missing.
 */
import type { HealReport } from '../engine/heal.ts';
import type { Chore } from './chores.ts';
import type { WorkOptions } from './job.ts';
import type { Schedule } from './schedule.ts';

export interface HealRules {
  readonly schedule: Schedule;
  readonly run: (options: WorkOptions) => Promise<HealReport>;
}

const firstPauseMs = 60_000;
const longestPauseMs = 30 * 60_000;

/** What is asked for as `heal`. */
export function healChore({ schedule, run }: HealRules): Chore {
  let pauseMs = firstPauseMs;
  return {
    name: 'heal',
    schedule,
    after: (end) => ['start', 'reload', 'partial'].includes(end),
    run: async (options) => {
      const report = await run(options);
      if (isWhole(report)) {
        pauseMs = firstPauseMs;
        return {};
      }
      const againInMs = pauseMs;
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      return { againInMs };
    },
    gaveWay: (detail) => ({ kind: 'heal-skipped', reason: 'backup-due', detail }),
    broke: (failure) => ({ kind: 'heal-failed', failure }),
  };
}

function isWhole({ missing, unread }: HealReport): boolean {
  return unread.length === 0 && Object.values(missing).every((backups) => backups === 0);
}
