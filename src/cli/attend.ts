/** The daemon put together: engine, loop, admin API, log and metrics, and their orderly end. */
import type { LoadedConfig } from '../config/load.ts';
import { readSecretFile } from '../config/secret-file.ts';
import { serverTlsReader } from '../config/server-tls.ts';
import type { Observe } from '../core/events.ts';
import { encodeManifest } from '../core/manifest-json.ts';
import { programVersion } from '../core/version.ts';
import type { Chore } from '../daemon/chores.ts';
import { drillChore } from '../daemon/drills.ts';
import { healChore } from '../daemon/heals.ts';
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
import { EventStreams } from '../http/event-streams.ts';
import type { BackupSource, TokenSources } from '../http/sources.ts';
import { eventFeed } from '../observe/feed.ts';
import { joinObservers } from '../observe/join.ts';
import { metricsObserver } from '../observe/metrics.ts';
import { type State, stateObserver } from '../observe/state.ts';
import { statusLine } from '../observe/status-line.ts';
import { askedRestores } from './asked-restores.ts';
import { copiesOf, holdings } from './shelves.ts';
import { buildHouse } from './wire.ts';

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
  const feed = eventFeed({ now });
  const heard = { metrics: metrics.observe, state: state.observe, feed: feed.observe };
  const observe = joinObservers({ ...heard, log });

  await using opened = new AsyncDisposableStack();
  const { deps } = opened.use(buildHouse(config, observe));
  const restores = opened.use(askedRestores(deps, config.cluster.localMember));
  const beat = supervisor && reportTo(supervisor, outlookOf(state));
  const wholeDeps = { ...daemonDeps(deps, stores), chores: choresOf(loaded, deps), beat };
  const daemon = opened.use(startDaemon(daemonSettings(loaded), wholeDeps));
  const admin = config.http.enabled
    ? opened.use(
        await serveAdmin({
          listen: config.http.listen,
          tokens: tokensOf(loaded),
          clients: config.http.clients,
          tls: config.http.tls === null ? undefined : serverTlsReader(config.http.tls),
          status: state.report,
          backups: backupSource(deps),
          takeBackup: () => ({ status: statusOf(daemon.request()) }),
          requestDrill: () => ({ status: statusOf(daemon.requestChore('drill')) }),
          requestHeal: heals(loaded)
            ? () => ({ status: statusOf(daemon.requestChore('heal')) })
            : undefined,
          restores,
          metrics,
          alive: () => daemon.alive(),
          ready: () => daemon.ready(),
          observe,
          events: new EventStreams(feed),
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

function daemonDeps(deps: EngineDeps, stores: string[]): Parameters<typeof startDaemon>[1] {
  const { program, clusterName } = deps;
  return {
    about: { ...program, cluster: clusterName, stores },
    takeBackup: (order, { signal, observe }) => runBackup(order, { ...deps, observe }, signal),
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

function choresOf(loaded: LoadedConfig, deps: EngineDeps & DrillDeps): readonly Chore[] {
  const { heal, schedule } = loaded.config;
  const others = [drill(loaded, deps), scrub(loaded, deps)];
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
    run: async (pace, { signal, observe }) => {
      const told = { ...deps, observe };
      await scrubStores({ store: null, cluster: null, pace, repair }, told, { signal });
      // What keeps the stores from being read is told by its own events.
      await lookAround(told, signal).catch(() => undefined);
    },
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

function statusOf(answer: ReturnType<Daemon['request']>): 'accepted' | 'already-running' {
  return answer === 'accepted' ? 'accepted' : 'already-running';
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

function backupSource(deps: EngineDeps): BackupSource {
  const rows = (copies: ReturnType<typeof copiesOf>): unknown[] =>
    copies.map(({ shelf, manifest }) => ({
      store: shelf.store.name,
      ...JSON.parse(encodeManifest(manifest)),
    }));
  return {
    list: async ({ store, limit }, { signal }) => {
      const found = await holdings({ values: { store }, signal }, deps);
      const newest = found.copies.toReversed().slice(0, limit);
      return { backups: rows(newest), unreadable: found.unreadable };
    },
    find: async (id, { signal }) => {
      const found = await holdings({ values: {}, signal }, deps);
      return rows(copiesOf({ positionals: [id] }, found));
    },
  };
}
