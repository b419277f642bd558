/** The chores of the daemon, by a configuration and in its house. */
import type { LoadedConfig } from '../config/load.ts';
import type { Chore } from '../daemon/chores.ts';
import { drillChore } from '../daemon/drills.ts';
import { healChore } from '../daemon/heals.ts';
import { readingChore } from '../daemon/readings.ts';
import { parseSchedule } from '../daemon/schedule.ts';
import { scrubChore } from '../daemon/scrubs.ts';
import type { DrillDeps, EngineDeps } from '../engine/deps.ts';
import { runDrill } from '../engine/drill.ts';
import { healOurs } from '../engine/heal.ts';
import { lookAround, prepare } from '../engine/prepare.ts';
import { scrubStores } from '../engine/scrub.ts';
import { drawTurn } from '../engine/turn.ts';
import { takesTurns } from './turns.ts';

/** A store alone has nobody to get anything from. */
export function heals({ config }: LoadedConfig): boolean {
  return config.heal.enabled && config.stores.length > 1;
}

export function choresOf(loaded: LoadedConfig, deps: EngineDeps & DrillDeps): readonly Chore[] {
  const { heal, schedule } = loaded.config;
  const reading = readingChore(({ signal, observe }) => prepare({ ...deps, observe }, signal));
  const others = [reading, drill(loaded, deps), scrub(loaded, deps)];
  if (!heals(loaded)) return others;
  const healing = healChore({
    schedule: parseSchedule({ cron: heal.cron, timezone: schedule.timezone }),
    run: ({ signal, observe }) => healOurs({ ...deps, observe }, { signal }),
  });
  return [...others, healing];
}

function drill({ config }: LoadedConfig, deps: DrillDeps): Chore {
  const { cron } = config.drill;
  const { timezone } = config.schedule;
  const newest = { backup: 'latest', store: null, cluster: null } as const;
  return drillChore({
    schedule: cron === null ? undefined : parseSchedule({ cron, timezone }),
    run: ({ signal, observe }) => runDrill(newest, { ...deps, observe }, { signal }),
  });
}

function scrub({ config }: LoadedConfig, deps: EngineDeps): Chore {
  const { cron, withinMs, repair } = config.scrub;
  const { timezone } = config.schedule;
  return scrubChore({
    schedule: cron === null ? undefined : parseSchedule({ cron, timezone }),
    withinMs,
    now: deps.now,
    ...(takesTurns(config) ? { drawTurn: (slot, work) => drawTurn(slot, deps, work.signal) } : {}),
    run: async (pace, { signal, observe, ownOnly }) => {
      const told = { ...deps, observe };
      if (ownOnly && deps.shelves.every(({ shared }) => shared)) return;
      await scrubStores({ store: null, ownOnly, cluster: null, pace, repair }, told, { signal });
      // What keeps the stores from being read is told by its own events.
      await lookAround(told, signal).catch(() => undefined);
    },
  });
}
