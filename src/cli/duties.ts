/** What the daemon has to do, by the configuration and in the house that hold now. */
import type { Duties } from '../daemon/daemon.ts';
import type { Jobs } from '../daemon/jobs.ts';
import { parseSchedule } from '../daemon/schedule.ts';
import type { BeatDeps } from '../daemon/supervision.ts';
import type { Verifies } from '../daemon/verifies.ts';
import type { BackupReport } from '../engine/backup.ts';
import type { EngineDeps } from '../engine/deps.ts';
import type { BackupOrder } from '../engine/order.ts';
import { lastSuccess, lookAround, prepare } from '../engine/prepare.ts';
import { drawTurn, takeNeededBackup } from '../engine/turn.ts';
import { choresOf } from './chores.ts';
import { backupEnd } from './job-ends.ts';
import type { Residence } from './residence.ts';
import { takesTurns } from './turns.ts';

export interface Office extends BeatDeps {
  readonly jobs: Jobs;
  readonly verifies: Verifies;
}

export function dutiesOf({ loaded, deps }: Residence, { beat, jobs, verifies }: Office): Duties {
  const { config } = loaded;
  const { cron, timezone, ...rest } = config.schedule;
  const graceMs = takesTurns(config) ? rest.graceMs : 0;
  const { program, clusterName } = deps;
  const stores = config.stores.map(({ name }) => name);
  return {
    settings: { schedule: parseSchedule({ cron, timezone }), ...rest, graceMs },
    deps: {
      about: { ...program, cluster: clusterName, stores },
      takeBackup: (order, options) =>
        jobs.follow(
          'backup',
          ({ signal, observe }) => runBackup(order, { ...deps, observe }, signal),
          backupEnd,
        )(options),
      drawTurn: (slot, { signal }) => drawTurn(slot, deps, signal),
      lastSuccess: ({ signal, observe }) => lastSuccess({ ...deps, observe }, signal),
      prepare: ({ signal, observe }) => prepare({ ...deps, observe }, signal),
      observe: deps.observe,
      now: deps.now,
      chores: [...choresOf(loaded, deps, jobs), verifies.chore],
      beat,
    },
  };
}

/**
 * A run that ends without a success still looks at the stores: one that was emptied or lost must
 * show while backups fail. Stores that had been served by others were read before.
 */
async function runBackup(
  order: BackupOrder,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<BackupReport> {
  let result = 'failure';
  try {
    const report = await takeNeededBackup(order, deps, { signal });
    result = report.result;
    return report;
  } finally {
    if (!['success', 'answered'].includes(result) && !signal.aborted) {
      // What keeps the stores from being read is told by its own events.
      await lookAround(deps, signal).catch(() => undefined);
    }
  }
}
