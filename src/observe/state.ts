/**
 * The last known state of the daemon, kept from events, for people: GET /v1/status and the
 * command `status` show it. It is not the truth about backups: that is in the stores.
 */
import { type Event, type Observe, type RunResult, runResults } from '../core/events.ts';
import { failureReport, isoText } from './report-text.ts';
import { followRun, type RunView, wentWell } from './run-view.ts';
import type { DaemonState, RunReport, StatusReport } from './status-report.ts';
import { followMissing, noteStore, reshelve, unreadStore } from './store-state.ts';

export type { StatusReport } from './status-report.ts';

export interface State {
  readonly observe: Observe;
  readonly report: () => StatusReport;
}

export interface StateOptions {
  /** Names of the configured stores. */
  readonly stores: readonly string[];
  readonly now: () => Date;
}

type Known = {
  -readonly [K in keyof Omit<StatusReport, 'now' | 'run' | 'stores'>]: StatusReport[K];
};

export function stateObserver({ stores, now }: StateOptions): State {
  const run = followRun(now);
  const known: Known = nothingKnown();
  let shelves = new Map(stores.map((name) => [name, unreadStore(name)]));
  const noteMissing = followMissing(() => shelves);

  const observe = (event: Event): void => {
    const result = run.take(event);
    if (result !== undefined) {
      noteEnd(known, { result, id: backupOf(event), run: run.view(), at: now() });
    }
    noteDaemon(known, event, now);
    notePlan(known, event, now);
    if (event.kind === 'config-reloaded') shelves = reshelve(shelves, event);
    noteConfig(known, event, now);
    if ('failure' in event && !notAboutBackups.has(event.kind)) {
      known.lastFailure = failureReport(event.failure, now());
    }
    const store = 'store' in event && event.store !== null ? shelves.get(event.store) : undefined;
    if (store !== undefined) shelves.set(store.name, noteStore(store, event, now));
    noteMissing(event);
  };
  const report = (): StatusReport => ({
    ...known,
    now: now().toISOString(),
    runs: { ...known.runs },
    run: run.open() ? runReport(run.view()) : null,
    stores: [...shelves.values()],
  });
  return { observe, report };
}

/** A call that failed concerns its caller, an undelivered message whoever waits for it. */
const notAboutBackups: ReadonlySet<Event['kind']> = new Set([
  'call-failed',
  'config-refused',
  'http-certificate-kept',
  'notice-failed',
]);

function nothingKnown(): Known {
  return {
    state: 'starting',
    version: null,
    node: null,
    cluster: null,
    startedAt: null,
    config: { since: null, waiting: false, refused: null },
    lastRun: null,
    nextRun: null,
    retry: null,
    lastFailure: null,
    lastUnchangedAt: null,
    lastScrub: null,
    consecutiveFailures: 0,
    runs: Object.fromEntries(runResults.map((result) => [result, 0])) as Record<RunResult, number>,
  };
}

/** The backup that a run came to: the one that is still current where nothing had changed. */
function backupOf(event: Event): string | null {
  if (event.kind === 'run-finished') return event.id;
  return event.kind === 'run-skipped' ? event.newest : null;
}

interface End {
  readonly result: RunResult;
  readonly id: string | null;
  readonly run: RunView;
  readonly at: Date;
}

function noteEnd(known: Known, { result, id, run, at }: End): void {
  known.lastRun = {
    result,
    id,
    trigger: run.trigger,
    startedAt: run.startedAt.toISOString(),
    finishedAt: at.toISOString(),
    tookMs: at.getTime() - run.startedAt.getTime(),
  };
  known.runs = { ...known.runs, [result]: known.runs[result] + 1 };
  if (result === 'failure' || result === 'partial') known.consecutiveFailures += 1;
  if (wentWell(result, run)) known.consecutiveFailures = 0;
}

function noteDaemon(known: Known, event: Event, now: () => Date): void {
  const states: Partial<Record<Event['kind'], DaemonState>> = {
    'daemon-started': 'running',
    'daemon-draining': 'draining',
    'daemon-stopped': 'stopped',
  };
  known.state = states[event.kind] ?? known.state;
  if (event.kind !== 'daemon-started') return;
  known.version = event.version;
  known.node = event.node;
  known.cluster = event.cluster;
  known.startedAt = now().toISOString();
}

function noteConfig(known: Known, event: Event, now: () => Date): void {
  switch (event.kind) {
    case 'daemon-started':
      known.config = { since: now().toISOString(), waiting: false, refused: null };
      return;
    case 'config-waiting':
      known.config = { ...known.config, waiting: true, refused: null };
      return;
    case 'config-reloaded':
      known.config = {
        since: event.changed.length === 0 ? known.config.since : now().toISOString(),
        waiting: false,
        refused: null,
      };
      known.cluster = event.cluster;
      return;
    case 'config-refused':
      // Whatever waited is called off by it.
      known.config = {
        ...known.config,
        waiting: false,
        refused: failureReport(event.failure, now()),
      };
      return;
    default:
      return;
  }
}

function notePlan(known: Known, event: Event, now: () => Date): void {
  switch (event.kind) {
    case 'next-run-scheduled':
      known.nextRun = { at: isoText(event.at), reason: event.reason };
      return;
    case 'retry-scheduled': {
      const { attempt, attempts } = event;
      known.retry = { at: isoText(event.at), attempt, attempts };
      return;
    }
    case 'run-started':
    case 'retries-ended':
      known.retry = null;
      return;
    case 'daemon-draining':
      known.retry = null;
      known.nextRun = null;
      return;
    case 'run-skipped':
      known.lastUnchangedAt = now().toISOString();
      return;
    case 'scrub-finished': {
      const { kind: _, ...facts } = event;
      known.lastScrub = { finishedAt: now().toISOString(), ...facts };
      return;
    }
    default:
      return;
  }
}

function runReport(run: RunView): RunReport {
  return {
    trigger: run.trigger,
    slot: run.slot === null ? null : isoText(run.slot),
    attempt: run.attempt,
    startedAt: run.startedAt.toISOString(),
    step: run.step,
    doneBytes: run.doneBytes,
    totalBytes: run.totalBytes,
    member: run.member,
  };
}
