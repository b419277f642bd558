/**
 * Every metric of the program, its meaning, and its value before anything has happened. The only
 * file that knows prom-client. The HELP texts are the documentation: unit, meaning, what 0 means.
 *
 * All series exist from the first scrape: a rule on a series that is absent never fires. Labels
 * come from closed sets and from the configuration, never from a message or an id.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { proofNames, proofOutcomes } from '../core/backup.ts';
import { failureCodes } from '../core/errors.ts';
import { backupSteps, type Observe, runResults } from '../core/events.ts';
import { copyMetrics } from './copy-metrics.ts';
import { countEvents, drillResults, restoreResults, skipReasons } from './metric-events.ts';
import { scrubMetrics } from './scrub-metrics.ts';

export interface MetricsOptions {
  /** Names of the configured stores. */
  readonly stores: readonly string[];
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
  const registry = new Registry();
  const set = {
    ...timeMetrics(registry, stores),
    ...runMetrics(registry),
    ...storeMetrics(registry, stores),
    ...copyMetrics(stores, gauge.bind(null, registry), counter.bind(null, registry)),
    ...restoreMetrics(registry),
    ...sourceMetrics(registry),
    ...scrubMetrics(registry, { gauge, counter }, stores),
  };
  const build = gauge(registry, 'build_info', 'Always 1; which build answers.', [
    'version',
    'node',
  ]);
  build.set({ version, node }, 1);
  if (options.processMetrics !== false) collectDefaultMetrics({ register: registry });
  const { contentType } = registry;
  return { observe: countEvents(set, now), text: () => registry.metrics(), contentType };
}

function timeMetrics(registry: Registry, stores: readonly string[]) {
  const lastSuccess = gauge(
    registry,
    'last_success_timestamp_seconds',
    'Unix time at which the newest proved backup in the store was begun, as the store tells. ' +
      '0: the store holds no proved backup, or has not been read since the start.',
    ['store'],
  );
  const lastProof = gauge(
    registry,
    'last_proof_timestamp_seconds',
    'Unix time at which a backup in the store last passed the proof. 0: none known.',
    ['store', 'proof'],
  );
  for (const store of stores) {
    lastSuccess.set({ store }, 0);
    for (const proof of proofNames) lastProof.set({ store, proof }, 0);
  }
  return {
    lastSuccess,
    lastProof,
    lastAttempt: gauge(
      registry,
      'last_attempt_timestamp_seconds',
      'Unix time at which a run last began, well or badly; after a restart that of the newest ' +
        'backup in any store. 0: no run and no backup known.',
    ),
    lastUnchanged: gauge(
      registry,
      'last_unchanged_timestamp_seconds',
      'Unix time at which a run last found that nothing had changed, so that the newest backup ' +
        'is as good as one of that time. 0: not since the start of the process.',
    ),
    nextRun: gauge(
      registry,
      'next_run_timestamp_seconds',
      'Unix time at which the next run of the schedule is due. 0: none is planned.',
    ),
  };
}

function runMetrics(registry: Registry) {
  const runs = counter(
    registry,
    'runs_total',
    'Runs that ended, retries included, by result. partial: at least one store has the backup ' +
      'and at least one has not. unchanged: nothing had to be done.',
    ['result'],
  );
  const skipped = counter(
    registry,
    'skipped_total',
    'Due times without a new backup. unchanged: the newest backup is still current. missed: the ' +
      'daemon was down or busy.',
    ['reason'],
  );
  const failures = counter(
    registry,
    'failures_total',
    'Failures by code, also those that a retry or another member made good. A failure counts ' +
      'once however many consequences it has.',
    ['code'],
  );
  const duration = new Histogram({
    name: 'etcd_backup_duration_seconds',
    help: 'How long the steps of runs took, in seconds. Steps that failed are not in it.',
    labelNames: ['step'],
    buckets: durationBuckets,
    registers: [registry],
  });
  for (const result of runResults) runs.inc({ result }, 0);
  for (const reason of skipReasons) skipped.inc({ reason }, 0);
  for (const code of failureCodes) failures.inc({ code }, 0);
  for (const step of backupSteps) duration.zero({ step });
  const consecutiveFailures = gauge(
    registry,
    'consecutive_failures',
    'Runs that ended as failure or partial since the last one that ended as success or ' +
      'unchanged. 0: the last run went well, or none has ended since the start.',
  );
  return { runs, skipped, failures, duration, consecutiveFailures };
}

function storeMetrics(registry: Registry, stores: readonly string[]) {
  const newest = 'of the newest proved backup in the store. 0: there is none, or not known yet.';
  const sizes = gauge(
    registry,
    'size_bytes',
    `Size in bytes ${newest} raw: as etcd sent it. sealed: as it is stored.`,
    ['store', 'kind'],
  );
  const revision = gauge(
    registry,
    'revision',
    `Revision ${newest} Not exact above 2^53, as any number of Prometheus.`,
    ['store'],
  );
  const held = 'As last read; kept while the store cannot be read. 0: none, or not read yet.';
  const backups = gauge(registry, 'store_backups', `Backups in the store. ${held}`, ['store']);
  const bytes = gauge(registry, 'store_bytes', `Bytes of all backups in the store. ${held}`, [
    'store',
  ]);
  const faults = gauge(
    registry,
    'store_faults',
    `Manifests in the store that cannot be trusted. ${held}`,
    ['store'],
  );
  const up = gauge(
    registry,
    'store_up',
    '1: the store could be read the last time. 0: it could not, or has not been read yet.',
    ['store'],
  );
  const verifications = counter(
    registry,
    'verifications_total',
    'Backups read back from their store, by result. inconclusive: they could not be read.',
    ['result'],
  );
  const pruned = counter(registry, 'pruned_total', 'Backups removed by retention.', ['store']);
  for (const result of proofOutcomes) verifications.inc({ result }, 0);
  for (const store of stores) {
    pruned.inc({ store }, 0);
    for (const kind of ['raw', 'sealed'] as const) sizes.set({ store, kind }, 0);
    for (const metric of [revision, backups, bytes, faults, up]) metric.set({ store }, 0);
  }
  return { sizes, revision, backups, bytes, faults, up, pruned, verifications };
}

function restoreMetrics(registry: Registry) {
  const restores = counter(
    registry,
    'restores_total',
    'Restores to a data directory that this process ended, by result. Dry runs are not in it.',
    ['result'],
  );
  const drills = counter(
    registry,
    'drills_total',
    'Drills that ended, by result. skipped: there was no etcd program or no backup, or a backup ' +
      'was due, after which the drill is done again.',
    ['result'],
  );
  const lastDrill = gauge(
    registry,
    'last_drill_success_timestamp_seconds',
    'Unix time at which a backup last came back in an etcd of its own, as it was taken; after a ' +
      'restart that of the backups that any store still holds. 0: none known.',
  );
  for (const result of restoreResults) restores.inc({ result }, 0);
  for (const result of drillResults) drills.inc({ result }, 0);
  return { restores, drills, lastDrill };
}

function sourceMetrics(registry: Registry) {
  const source = gauge(
    registry,
    'source_info',
    '1 for the member that the last snapshot was asked of. 0 with empty labels: none yet.',
    ['member', 'role'],
  );
  source.set({ member: '', role: '' }, 0);
  const mismatch = gauge(
    registry,
    'member_hash_mismatch',
    '1: members held different data when they were last compared. 0: they agreed, or have not ' +
      'been compared since the start.',
  );
  return { source, mismatch };
}

function gauge<T extends string = never>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly T[] = [],
): Gauge<T> {
  return new Gauge({ name: `etcd_backup_${name}`, help, labelNames, registers: [registry] });
}

function counter<T extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly T[],
): Counter<T> {
  return new Counter({ name: `etcd_backup_${name}`, help, labelNames, registers: [registry] });
}
