/** The daemon put together: engine, loop, admin API, log and metrics, and their orderly end. */
import type { LoadedConfig } from '../config/load.ts';
import { readSecretFile } from '../config/secret-file.ts';
import type { Observe } from '../core/events.ts';
import { programVersion } from '../core/version.ts';
import type { Chore } from '../daemon/chores.ts';
import { drillChore } from '../daemon/drills.ts';
import { healChore } from '../daemon/heals.ts';
import { Jobs } from '../daemon/jobs.ts';
import { type Daemon, startDaemon } from '../daemon/loop.ts';
import type { Restores } from '../daemon/restores.ts';
import { parseSchedule } from '../daemon/schedule.ts';
import { scrubChore } from '../daemon/scrubs.ts';
import { reportTo, type Supervisor } from '../daemon/supervision.ts';
import { type BackupReport, takeBackup } from '../engine/backup.ts';
import type { DrillDeps, EngineDeps } from '../engine/deps.ts';
import { runDrill } from '../engine/drill.ts';
import { healOurs } from '../engine/heal.ts';
import type { BackupOrder } from '../engine/order.ts';
import { lastSuccess, lookAround, prepare } from '../engine/prepare.ts';
import { scrubStores } from '../engine/scrub.ts';
import { type AdminServer, serveAdmin } from '../http/admin.ts';
import type { TokenSources } from '../http/sources.ts';
import { joinObservers } from '../observe/join.ts';
import { metricsObserver } from '../observe/metrics.ts';
import { type State, stateObserver } from '../observe/state.ts';
import { statusLine } from '../observe/status-line.ts';
import { askedRestores } from './asked-restores.ts';
import { backupDesk } from './backup-desk.ts';
import { backupEnd, drillEnd, healEnd, scrubEnd } from './job-ends.ts';
import { buildHouse } from './wire.ts';
import { askedVerifies, workDesk } from './work-desk.ts';

export interface Attended extends AsyncDisposable {
  readonly daemon: Daemon;
  readonly restores: Restores;
  /** Undefined where http.enabled is false. */
  readonly admin: AdminServer | undefined;
}

/**
 * Starts everything. Disposing closes the admin API, then the daemon and its restores, then what
 * the engine holds; a daemon that is still at work is aborted by it, so drain first.
 */
export async function attend(
  loaded: LoadedConfig,
  log: Observe,
  supervisor?: Supervisor,
): Promise<Attended> {
  const { config } = loaded;
  const stores = config.stores.map(({ name }) => name);
  const now = (): Date => new Date();
  const about = { version: programVersion, node: process.versions.node };
  const { cron, withinMs } = config.scrub;
  const scrubWithinMs = cron === null ? 0 : withinMs;
  const metrics = metricsObserver({ stores, scrubWithinMs, ...about, now });
  const state = stateObserver({ stores, now });
  const observe = joinObservers({ metrics: metrics.observe, state: state.observe, log });

  await using opened = new AsyncDisposableStack();
  const { deps } = opened.use(buildHouse(config, observe));
  const restores = opened.use(askedRestores(deps, config.cluster.localMember));
  const beat = supervisor && reportTo(supervisor, outlookOf(state));
  const jobs = new Jobs({ now: deps.now, suffix: deps.suffix });
  const verifies = askedVerifies(jobs, deps);
  const chores = [...choresOf(loaded, deps, jobs), verifies.chore];
  const wholeDeps = { ...daemonDeps(deps, stores, jobs), chores, beat };
  const daemon = opened.use(startDaemon(daemonSettings(loaded), wholeDeps));
  const admin = config.http.enabled
    ? opened.use(
        await serveAdmin({
          listen: config.http.listen,
          tokens: tokensOf(loaded),
          status: state.report,
          backups: backupDesk(deps),
          jobs,
          ...workDesk({ daemon, jobs, verifies, deps, heals: heals(loaded) }),
          restores,
          metrics,
          alive: () => daemon.alive(),
          ready: () => daemon.ready(),
          observe,
        }),
      )
    : undefined;
  const held = opened.move();
  return { daemon, restores, admin, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

function outlookOf(state: State): Parameters<typeof reportTo>[1] {
  return () => {
    const report = state.report();
    return { stopping: report.state === 'draining', status: statusLine(report) };
  };
}

function daemonSettings({ config }: LoadedConfig): Parameters<typeof startDaemon>[0] {
  const { cron, timezone, ...rest } = config.schedule;
  return { schedule: parseSchedule({ cron, timezone }), ...rest };
}

function daemonDeps(
  deps: EngineDeps,
  stores: string[],
  jobs: Jobs,
): Parameters<typeof startDaemon>[1] {
  const { program, clusterName } = deps;
  return {
    about: { ...program, cluster: clusterName, stores },
    takeBackup: (order, options) =>
      jobs.follow(
        'backup',
        ({ signal, observe }) => runBackup(order, { ...deps, observe }, signal),
        backupEnd,
      )(options),
    lastSuccess: ({ signal, observe }) => lastSuccess({ ...deps, observe }, signal),
    prepare: ({ signal, observe }) => prepare({ ...deps, observe }, signal),
    observe: deps.observe,
    now: deps.now,
  };
}

/** A store alone has nobody to get anything from. */
function heals({ config }: LoadedConfig): boolean {
  return config.heal.enabled && config.stores.length > 1;
}

function choresOf(
  loaded: LoadedConfig,
  deps: EngineDeps & DrillDeps,
  jobs: Jobs,
): readonly Chore[] {
  const { heal, schedule } = loaded.config;
  const others = [drill(loaded, deps, jobs), scrub(loaded, deps, jobs)];
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
    run: (pace, options) =>
      jobs.follow(
        'scrub',
        async ({ signal, observe }) => {
          const told = { ...deps, observe };
          const wanted = { store: null, cluster: null, pace, repair };
          const report = await scrubStores(wanted, told, { signal });
          // What keeps the stores from being read is told by its own events.
          await lookAround(told, signal).catch(() => undefined);
          return report;
        },
        scrubEnd,
      )(options),
  });
}

/**
 * A run that ends without a success still looks at the stores: one that was emptied or lost must
 * show while backups fail.
 */
async function runBackup(
  order: BackupOrder,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<BackupReport> {
  let result = 'failure';
  try {
    const report = await takeBackup(order, deps, { signal });
    result = report.result;
    return report;
  } finally {
    if (result !== 'success' && !signal.aborted) {
      // What keeps the stores from being read is told by its own events.
      await lookAround(deps, signal).catch(() => undefined);
    }
  }
}

/** Tokens are read at every request, so that a rotated file counts at once. */
function tokensOf({ config }: LoadedConfig): TokenSources {
  const { read, operate, restore } = config.http.tokens;
  const from = (path: string) => () => {
    try {
      return readSecretFile(path).reveal();
    } catch {
      // A token that cannot be read opens nothing; the caller sees that it was refused.
      return undefined;
    }
  };
  return {
    ...(read === null ? {} : { read: from(read) }),
    ...(operate === null ? {} : { operate: from(operate) }),
    ...(restore === null ? {} : { restore: from(restore) }),
  };
}
