/**
 * Every metric of the program, its meaning, and its value before anything has happened. The HELP
 * texts are the documentation: unit, meaning, what 0 means.
 *
 * All series exist from the first scrape: a rule on a series that is absent never fires. Labels
 * come from closed sets and from the configuration, never from a message or an id.
 */
import { proofOutcomes } from '../core/backup.ts';
import { failureCodes } from '../core/errors.ts';
import { backupSteps, type Observe, runResults } from '../core/events.ts';
import { watchCertificates } from './certificate-metrics.ts';
import { copyMetrics } from './copy-metrics.ts';
import { expectationMetrics, watchExpectations } from './expectations.ts';
import { countEvents, drillResults, restoreResults, skipReasons } from './metric-events.ts';
import { countNotices } from './notice-metrics.ts';
import { reloadMetrics, watchReloads } from './reload-metrics.ts';
import { scrubMetrics, scrubRule } from './scrub-metrics.ts';
import { openSeries, type Series } from './series.ts';
import { storeSeries } from './store-series.ts';

export interface MetricsOptions {
  /** Names of the configured stores. */
  readonly stores: readonly string[];
  /** 0, and left out: there are no scrubs by schedule. */
  readonly scrubWithinMs?: number;
  /** Names of those who are told; left out: nobody is. */
  readonly targets?: readonly string[];
  readonly version: string;
  readonly node: string;
  readonly now: () => Date;
  /** Memory, CPU and event loop of the process as well; on unless false. */
  readonly processMetrics?: boolean;
}

// From a step that only asks a question to a database of 8 GB over a slow line.
const durationBuckets = [0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600];

export interface Metrics {
  readonly observe: Observe;
  /** The page that Prometheus scrapes. */
  text(): Promise<string>;
  readonly contentType: string;
}

export function metricsObserver(options: MetricsOptions): Metrics {
  const { stores, version, node, now } = options;
  const series = openSeries({ ofProcess: options.processMetrics !== false });
  const set = {
    ...timeMetrics(series),
    ...runMetrics(series),
    ...storeMetrics(series),
    ...copyMetrics(series),
    ...restoreMetrics(series),
    ...sourceMetrics(series),
    ...scrubMetrics(series),
  };
  const expectations = expectationMetrics(series);
  const showScrubRule = scrubRule(series, options.scrubWithinMs ?? 0);
  // Before all that follow the same event: the series of a new store are there when it is read.
  const reloads = watchReloads(reloadMetrics(series, now()), {
    ofStores: storeSeries(set),
    stores,
    showScrubRule,
    now,
  });
  const knows = reloads.knows;
  const notices = countNotices(series, options.targets ?? []);
  const observers = [
    reloads.observe,
    countEvents(set, { now, knows }),
    watchExpectations(expectations),
    notices,
    watchCertificates(series),
  ];
  const build = series.gauge('build_info', 'Always 1; which build answers.', ['version', 'node']);
  build.set({ version, node }, 1);
  const observe: Observe = (event) => {
    for (const each of observers) each(event);
  };
  return { observe, text: () => series.text(), contentType: series.contentType };
}

function timeMetrics(series: Series) {
  const lastSuccess = series.gauge(
    'last_success_timestamp_seconds',
    'Unix time at which the newest proved backup in the store was begun, as the store tells. ' +
      '0: the store holds no proved backup, or has not been read since the start.',
    ['store'],
  );
  const lastProof = series.gauge(
    'last_proof_timestamp_seconds',
    'Unix time at which a backup in the store last passed the proof. 0: none known.',
    ['store', 'proof'],
  );
  return {
    lastSuccess,
    lastProof,
    lastAttempt: series.gauge(
      'last_attempt_timestamp_seconds',
      'Unix time at which a run last began, well or badly; after a restart that of the newest ' +
        'backup in any store. 0: no run and no backup known.',
    ),
    lastUnchanged: series.gauge(
      'last_unchanged_timestamp_seconds',
      'Unix time at which a run last found that nothing had changed, so that the newest backup ' +
        'is as good as one of that time. 0: not since the start of the process.',
    ),
    nextRun: series.gauge(
      'next_run_timestamp_seconds',
      'Unix time at which the next run of the schedule is due. 0: none is planned.',
    ),
  };
}

function runMetrics(series: Series) {
  const runs = series.counter(
    'runs_total',
    'Runs that ended, retries included, by result. partial: at least one store has the backup ' +
      'and at least one has not. unchanged: nothing had to be done. answered: another daemon ' +
      'had taken a backup of the due time.',
    ['result'],
  );
  const skipped = series.counter(
    'skipped_total',
    'Due times without a new backup. unchanged: the newest backup is still current. ' +
      'answered: another daemon had taken one. missed: the daemon was down or busy.',
    ['reason'],
  );
  const failures = series.counter(
    'failures_total',
    'Failures by code, also those that a retry or another member made good. A failure counts ' +
      'once however many consequences it has.',
    ['code'],
  );
  const duration = series.histogram(
    'duration_seconds',
    'How long the steps of runs took, in seconds. Steps that failed are not in it.',
    ['step'],
    durationBuckets,
  );
  for (const result of runResults) runs.inc({ result }, 0);
  for (const reason of skipReasons) skipped.inc({ reason }, 0);
  for (const code of failureCodes) failures.inc({ code }, 0);
  for (const step of backupSteps) duration.zero({ step });
  const consecutiveFailures = series.gauge(
    'consecutive_failures',
    'Runs that ended as failure or partial since the last one that ended as success or ' +
      'unchanged, or as answered at its first try. 0: the last run went well, or none has ' +
      'ended since the start.',
  );
  return { runs, skipped, failures, duration, consecutiveFailures };
}

function storeMetrics(series: Series) {
  const newest = 'of the newest proved backup in the store. 0: there is none, or not known yet.';
  const sizes = series.gauge(
    'size_bytes',
    `Size in bytes ${newest} raw: as etcd sent it. sealed: as it is stored.`,
    ['store', 'kind'],
  );
  const revision = series.gauge(
    'revision',
    `Revision ${newest} Not exact above 2^53, as any number of Prometheus.`,
    ['store'],
  );
  const held = 'As last read; kept while the store cannot be read. 0: none, or not read yet.';
  const backups = series.gauge('store_backups', `Backups in the store. ${held}`, ['store']);
  const bytes = series.gauge('store_bytes', `Bytes of all backups in the store. ${held}`, [
    'store',
  ]);
  const faults = series.gauge(
    'store_faults',
    `Manifests in the store that cannot be trusted. ${held}`,
    ['store'],
  );
  const up = series.gauge(
    'store_up',
    '1: the store could be read the last time, and took the last backup that it was given. 0: ' +
      'it could not, it did not, or has not been read yet.',
    ['store'],
  );
  const verifications = series.counter(
    'verifications_total',
    'Backups read back from their store, by result. inconclusive: they could not be read.',
    ['result'],
  );
  const pruned = series.counter('pruned_total', 'Backups removed by retention.', ['store']);
  for (const result of proofOutcomes) verifications.inc({ result }, 0);
  return { sizes, revision, backups, bytes, faults, up, pruned, verifications };
}

function restoreMetrics(series: Series) {
  const restores = series.counter(
    'restores_total',
    'Restores to a data directory that this process ended, by result. Dry runs are not in it.',
    ['result'],
  );
  const drills = series.counter(
    'drills_total',
    'Drills that ended, by result. skipped: there was no etcd program or no backup, or a backup ' +
      'was due, after which the drill is done again.',
    ['result'],
  );
  const lastDrill = series.gauge(
    'last_drill_success_timestamp_seconds',
    'Unix time at which a backup last came back in an etcd of its own, as it was taken; after a ' +
      'restart that of the backups that any store still holds. 0: none known.',
  );
  for (const result of restoreResults) restores.inc({ result }, 0);
  for (const result of drillResults) drills.inc({ result }, 0);
  return { restores, drills, lastDrill };
}

function sourceMetrics(series: Series) {
  const source = series.gauge(
    'source_info',
    '1 for the member that the last snapshot was asked of. 0 with empty labels: none yet.',
    ['member', 'role'],
  );
  source.set({ member: '', role: '' }, 0);
  const mismatch = series.gauge(
    'member_hash_mismatch',
    '1: members held different data when they were last compared. 0: they agreed, or have not ' +
      'been compared since the start.',
  );
  return { source, mismatch };
}
