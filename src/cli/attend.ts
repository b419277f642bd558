/** The daemon put together: engine, loop, admin API, log and metrics, and their orderly end. */
import type { LoadedConfig } from '../config/load.ts';
import type { Observe } from '../core/events.ts';
import { programVersion } from '../core/version.ts';
import type { Daemon } from '../daemon/daemon.ts';
import { Jobs } from '../daemon/jobs.ts';
import { startDaemon } from '../daemon/loop.ts';
import type { Restores } from '../daemon/restores.ts';
import { reportTo, type Supervisor } from '../daemon/supervision.ts';
import { type AdminServer, serveAdmin } from '../http/admin.ts';
import type { ReloadAnswer } from '../http/sources.ts';
import { eventFeed } from '../observe/feed.ts';
import { joinObservers } from '../observe/join.ts';
import { metricsObserver } from '../observe/metrics.ts';
import { type State, stateObserver } from '../observe/state.ts';
import { statusLine } from '../observe/status-line.ts';
import { adminOptions } from './admin-options.ts';
import { askedRestores } from './asked-restores.ts';
import { dutiesOf } from './duties.ts';
import { openNotifier, targetsOf } from './notifier.ts';
import { Reloads } from './reloads.ts';
import { Residence } from './residence.ts';
import { buildHouse } from './wire.ts';
import { askedVerifies } from './work-desk.ts';

export interface Attended extends AsyncDisposable {
  readonly daemon: Daemon;
  readonly restores: Restores;
  /** Undefined where http.enabled is false. */
  readonly admin: AdminServer | undefined;
  /** `by` tells who asks. Throws where the configuration is refused, and while draining. */
  reload(by: string): Promise<ReloadAnswer>;
}

export interface AttendOptions {
  readonly supervisor?: Supervisor | undefined;
  /** Reads the configuration anew and checks it; the old one when left out. */
  readonly reload?: () => Promise<LoadedConfig>;
  /** Told of each configuration that is taken over, before anything is done by it. */
  readonly reloaded?: (loaded: LoadedConfig) => void;
}

/**
 * Starts everything. Disposing closes the admin API, then the daemon and its restores, then what
 * the engine holds; a daemon that is still at work is aborted by it, so drain first.
 */
export async function attend(
  loaded: LoadedConfig,
  log: Observe,
  options: AttendOptions = {},
): Promise<Attended> {
  const { http } = loaded.config;
  const { metrics, state, feed } = watchers(loaded);

  await using opened = new AsyncDisposableStack();
  // The first that is opened is the last that is closed: it tells how the others ended.
  const notifier = opened.use(openNotifier(loaded.config, (event) => observe(event)));
  const heard = { metrics: metrics.observe, state: state.observe, feed: feed.observe };
  const observe = joinObservers({ ...heard, log, notify: notifier.observe });
  const residence = opened.use(new Residence(loaded, buildHouse(loaded.config, observe)));
  const restores = opened.use(askedRestores(residence));
  const beat = options.supervisor && reportTo(options.supervisor, outlookOf(state));
  const { now, suffix } = residence.deps;
  const jobs = new Jobs({ now, suffix });
  const verifies = askedVerifies(jobs, residence);
  const duties = () => dutiesOf(residence, { beat, jobs, verifies });
  const { settings, deps } = duties();
  const daemon = opened.use(startDaemon(settings, deps));
  const reloads = new Reloads({
    load: options.reload ?? (async () => residence.loaded),
    current: () => residence.loaded,
    daemon,
    takeOver: (next) => {
      residence.move(next, buildHouse(next.config, observe));
      notifier.follow(next.config);
      options.reloaded?.(next);
      return duties();
    },
    observe,
  });
  const parts = { residence, daemon, restores, reloads, jobs, verifies, metrics, state, feed };
  const admin = http.enabled
    ? opened.use(await serveAdmin(adminOptions({ ...parts, observe })))
    : undefined;
  const held = opened.move();
  const reload = (by: string) => reloads.ask(by);
  return { daemon, restores, admin, reload, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

function watchers({ config }: LoadedConfig) {
  const stores = config.stores.map(({ name }) => name);
  const now = (): Date => new Date();
  const about = { version: programVersion, node: process.versions.node };
  const { cron, withinMs } = config.scrub;
  const scrubWithinMs = cron === null ? 0 : withinMs;
  const targets = targetsOf(config);
  const metrics = metricsObserver({ stores, scrubWithinMs, targets, ...about, now });
  return { metrics, state: stateObserver({ stores, now }), feed: eventFeed({ now }) };
}

function outlookOf(state: State): Parameters<typeof reportTo>[1] {
  return () => {
    const report = state.report();
    return { stopping: report.state === 'draining', status: statusLine(report) };
  };
}
