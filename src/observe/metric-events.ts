/**
 * Events as numbers. After a restart the truth comes from the stores, by `catalog-read`; between
 * two readings it comes from what the runs tell. Nothing is ever taken from a message.
 */
import { type ProofName, proofNames } from '../core/backup.ts';
import type { Event, NewestBackup, Observe, RunResult } from '../core/events.ts';
import { type CopyMetrics, countCopies } from './copy-metrics.ts';
import { newFailures } from './failure-count.ts';
import { followRun, type RunView, wentWell } from './run-view.ts';
import { countScrub, type ScrubSet } from './scrub-metrics.ts';
import { type Labelled, type Tally, unixSeconds, type Value } from './series.ts';
import { storeHealth } from './store-health.ts';

/** Why a due time has no new backup. */
export const skipReasons = ['unchanged', 'answered', 'missed'] as const;
export const restoreResults = ['success', 'failure'] as const;
export const drillResults = [...restoreResults, 'skipped'] as const;

/** The numbers that are kept. What each one means is said where they are made. */
export interface MetricSet extends CopyMetrics, ScrubSet {
  readonly lastSuccess: Labelled<'store'>;
  readonly lastProof: Labelled<'store' | 'proof'>;
  readonly lastAttempt: Value;
  readonly lastUnchanged: Value;
  readonly nextRun: Value;
  readonly runs: Tally<'result'>;
  readonly skipped: Tally<'reason'>;
  readonly failures: Tally<'code'>;
  readonly consecutiveFailures: Value;
  readonly duration: { observe(labels: { step: string }, seconds: number): void };
  readonly sizes: Labelled<'store' | 'kind'>;
  readonly revision: Labelled<'store'>;
  readonly backups: Labelled<'store'>;
  readonly bytes: Labelled<'store'>;
  readonly faults: Labelled<'store'>;
  readonly up: Labelled<'store'>;
  readonly pruned: Tally<'store'>;
  readonly verifications: Tally<'result'>;
  readonly restores: Tally<'result'>;
  readonly drills: Tally<'result'>;
  readonly lastDrill: Value;
  readonly source: Labelled<'member' | 'role'> & { reset(): void };
  readonly mismatch: Value;
}

export interface CountOptions {
  readonly now: () => Date;
  /** Whether the store is configured: what is still read of one that is not has no series. */
  readonly knows: (store: string) => boolean;
}

export function countEvents(set: MetricSet, { now, knows }: CountOptions): Observe {
  const run = followRun(now);
  const firstTold = newFailures();
  const healthOf = storeHealth();
  let lastAttempt = 0;
  let lastDrill = 0;

  // Forward only: the backup that a store holds was an attempt too, but perhaps not the last.
  const attempted = (at: Date): void => {
    lastAttempt = Math.max(lastAttempt, unixSeconds(at));
    set.lastAttempt.set(lastAttempt);
  };
  // Forward only: what was drilled stays drilled when retention removes it.
  const drilled = (at: Date | undefined): void => {
    lastDrill = Math.max(lastDrill, unixSeconds(at));
    set.lastDrill.set(lastDrill);
  };
  return (event) => {
    const result = run.take(event);
    if (result !== undefined) countRun(set, result, run.view());
    const failure = firstTold(event);
    if (failure !== undefined) set.failures.inc({ code: failure.code });
    if (event.kind === 'run-started') attempted(now());
    if (event.kind === 'catalog-read' && event.newest !== null) attempted(event.newest.startedAt);
    if (event.kind === 'drill-finished') drilled(now());
    if (event.kind === 'catalog-read') drilled(event.proofs.restored);
    countRestore(set, event);
    showPlan(set, event, now);
    showSource(set, event);
    if ('store' in event && event.store !== null && !knows(event.store)) return;
    countCopies(set, event);
    showStore(set, event, now);
    countScrub(set, event);
    const health = healthOf(event);
    if (health !== undefined) set.up.set({ store: health.store }, health.up ? 1 : 0);
  };
}

function countRun(set: MetricSet, result: RunResult, run: RunView): void {
  set.runs.inc({ result });
  if (result === 'answered') set.skipped.inc({ reason: result });
  if (result === 'failure' || result === 'partial') set.consecutiveFailures.inc();
  if (wentWell(result, run)) set.consecutiveFailures.set(0);
}

function countRestore(set: MetricSet, event: Event): void {
  switch (event.kind) {
    case 'restore-finished':
      if (!event.dryRun) set.restores.inc({ result: 'success' });
      return;
    case 'restore-failed':
      set.restores.inc({ result: 'failure' });
      return;
    case 'drill-finished':
      set.drills.inc({ result: 'success' });
      return;
    case 'drill-failed':
      set.drills.inc({ result: 'failure' });
      return;
    case 'drill-skipped':
      set.drills.inc({ result: 'skipped' });
      return;
    default:
      return;
  }
}

function showPlan(set: MetricSet, event: Event, now: () => Date): void {
  switch (event.kind) {
    case 'run-skipped':
      set.skipped.inc({ reason: event.reason });
      set.lastUnchanged.set(unixSeconds(now()));
      return;
    case 'slot-missed':
      set.skipped.inc({ reason: 'missed' });
      return;
    case 'next-run-scheduled':
      set.nextRun.set(unixSeconds(event.at));
      return;
    case 'daemon-draining':
      set.nextRun.set(0);
      return;
    case 'step-finished':
      set.duration.observe({ step: event.step }, event.tookMs / 1000);
      return;
    default:
      return;
  }
}

function showSource(set: MetricSet, event: Event): void {
  if (event.kind === 'member-chosen') {
    set.source.reset();
    set.source.set({ member: event.member, role: event.role }, 1);
  }
  if (event.kind === 'hash-mismatched') set.mismatch.set(1);
  if (event.kind === 'proof-finished' && event.proof === 'agreed') {
    // Inconclusive and skipped compared nothing: what was known before still holds.
    if (event.outcome === 'passed') set.mismatch.set(0);
    if (event.outcome === 'failed') set.mismatch.set(1);
  }
}

function showStore(set: MetricSet, event: Event, now: () => Date): void {
  switch (event.kind) {
    case 'catalog-read':
      set.backups.set({ store: event.store }, event.backups);
      set.bytes.set({ store: event.store }, event.storedBytes);
      set.faults.set({ store: event.store }, event.faults);
      showNewest(set, event.store, event.newest);
      // All of them: somebody may have emptied the store, and then nothing is proved any more.
      for (const proof of proofNames) showProof(set, event.store, proof, event.proofs[proof]);
      return;
    case 'backup-committed':
      if (!event.proved) return;
      showNewest(set, event.store, event.backup);
      for (const proof of proofNames) {
        const at = event.backup.proofs[proof];
        if (at !== undefined) showProof(set, event.store, proof, at);
      }
      return;
    case 'backup-verified':
      set.verifications.inc({ result: event.outcome });
      if (event.outcome === 'passed') showProof(set, event.store, 'stored', now());
      return;
    case 'backup-unread':
      set.verifications.inc({ result: 'inconclusive' });
      return;
    case 'drill-finished':
      showProof(set, event.store, 'restored', now());
      return;
    case 'backup-pruned':
      set.pruned.inc({ store: event.store });
      return;
    default:
      return;
  }
}

function showNewest(set: MetricSet, store: string, newest: NewestBackup | null): void {
  set.lastSuccess.set({ store }, unixSeconds(newest?.startedAt));
  set.sizes.set({ store, kind: 'raw' }, newest?.rawBytes ?? 0);
  set.sizes.set({ store, kind: 'sealed' }, newest?.sealedBytes ?? 0);
  set.revision.set({ store }, Number(newest?.revision ?? 0n));
}

function showProof(set: MetricSet, store: string, proof: ProofName, at: Date | undefined): void {
  set.lastProof.set({ store, proof }, unixSeconds(at));
}
