/** The chores of the daemon, by a configuration and in its house. */
import type { LoadedConfig } from '../config/load.ts';
import type { Chore } from '../daemon/chores.ts';
import { drillChore } from '../daemon/drills.ts';
import { healChore } from '../daemon/heals.ts';
import type { WorkOptions } from '../daemon/job.ts';
import type { Jobs } from '../daemon/jobs.ts';
import { readingChore } from '../daemon/readings.ts';
import { parseSchedule } from '../daemon/schedule.ts';
import { scrubChore } from '../daemon/scrubs.ts';
import type { DrillDeps, EngineDeps } from '../engine/deps.ts';
import { runDrill } from '../engine/drill.ts';
import { healOurs } from '../engine/heal.ts';
import { lookAround, prepare } from '../engine/prepare.ts';
import { scrubStores } from '../engine/scrub.ts';
import { drawTurn } from '../engine/turn.ts';
import { drillEnd, healEnd, scrubEnd } from './job-ends.ts';
import { takesTurns } from './turns.ts';

/** A store alone has nobody to get anything from. */
export function heals({ config }: LoadedConfig): boolean {
  return config.heal.enabled && config.stores.length > 1;
}

export function choresOf(
  loaded: LoadedConfig,
  deps: EngineDeps & DrillDeps,
  jobs: Jobs,
): readonly Chore[] {
  const { heal, schedule } = loaded.config;
  const reading = readingChore(({ signal, observe }) => prepare({ ...deps, observe }, signal));
  const others = [reading, drill(loaded, deps, jobs), scrub(loaded, deps, jobs)];
  if (!heals(loaded)) return others;
  const healing = healChore({
    schedule: parseSchedule({ cron: heal.cron, timezone: schedule.timezone }),
    run: jobs.follow(
      'heal',
      ({ signal, observe }) => healOurs({ ...deps, observe }, { signal }),
      healEnd,
    ),
  });
  return [...others, healing];
}

function drill({ config }: LoadedConfig, deps: DrillDeps, jobs: Jobs): Chore {
  const { cron } = config.drill;
  const { timezone } = config.schedule;
  const newest = { backup: 'latest', store: null, cluster: null } as const;
  return drillChore({
    schedule: cron === null ? undefined : parseSchedule({ cron, timezone }),
    run: jobs.follow(
      'drill',
      ({ signal, observe }) => runDrill(newest, { ...deps, observe }, { signal }),
      drillEnd,
    ),
  });
}

function scrub({ config }: LoadedConfig, deps: EngineDeps, jobs: Jobs): Chore {
  const { cron, withinMs, repair } = config.scrub;
  const { timezone } = config.schedule;
  return scrubChore({
    schedule: cron === null ? undefined : parseSchedule({ cron, timezone }),
    withinMs,
    now: deps.now,
    ...(takesTurns(config) ? { drawTurn: (slot, work) => drawTurn(slot, deps, work.signal) } : {}),
    run: async (pace, { ownOnly, ...options }) => {
      if (ownOnly && deps.shelves.every(({ shared }) => shared)) return;
      const wanted = { store: null, ownOnly, cluster: null, pace, repair };
      const work = async ({ signal, observe }: WorkOptions) => {
        const told = { ...deps, observe };
        const report = await scrubStores(wanted, told, { signal });
        // What keeps the stores from being read is told by its own events.
        await lookAround(told, signal).catch(() => undefined);
        return report;
      };
      await jobs.follow('scrub', work, scrubEnd)(options);
    },
  });
}
