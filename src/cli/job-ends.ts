/** What came of each kind of work, as its job tells it. */
import { Failure } from '../core/errors.ts';
import type { JobEnd } from '../core/jobs.ts';
import type { BackupReport } from '../engine/backup.ts';
import type { DrillReport } from '../engine/drill.ts';
import type { HealReport } from '../engine/heal.ts';
import type { ScrubReport } from '../engine/scrub.ts';
import type { CopyVerified } from '../engine/verify-copies.ts';

export function backupEnd({ result, id, failures }: BackupReport): JobEnd {
  const [failure] = failures.values();
  return { outcome: { result, backup: id, missedBy: [...failures.keys()] }, failure };
}

export function verifyEnd(copies: readonly CopyVerified[]): JobEnd {
  // Damage is the worst; who could not be read may be whole.
  const worst =
    copies.find(({ outcome }) => outcome === 'failed') ??
    copies.find(({ outcome }) => outcome === 'unread');
  const shown = copies.map(({ store, outcome, failure }) => {
    return { store, outcome, reason: failure?.message ?? null };
  });
  return {
    outcome: { result: worst?.outcome ?? 'passed', copies: shown },
    failure: worst?.failure,
  };
}

export function scrubEnd({ result, copies, dead }: ScrubReport): JobEnd {
  const counted = (...outcomes: readonly string[]): number =>
    copies.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const [damaged, unread] = [counted('damaged'), counted('unread')];
  const outcome = {
    result,
    read: copies.length - unread,
    damaged,
    repaired: counted('repaired'),
    unread,
    deadStores: dead.map(({ store }) => store),
  };
  const fault = (kind: string): Failure | undefined =>
    copies.flatMap((copy) => (copy.outcome === kind && 'failure' in copy ? [copy.failure] : []))[0];
  return { outcome, failure: fault('damaged') ?? dead[0]?.failure ?? fault('unread') };
}

export function healEnd({ copies, missing, unread }: HealReport): JobEnd {
  const copied = copies.filter(({ result }) => result === 'copied').length;
  const left = Object.entries(missing).filter(([, backups]) => backups > 0);
  const isWhole = left.length === 0 && unread.length === 0;
  const outcome = { result: isWhole ? 'whole' : 'incomplete', copied, missing, unread };
  if (isWhole) return { outcome };
  const stores = [...unread, ...left.map(([store]) => store)].join(', ');
  const failed = copies.flatMap(({ result }) => (result instanceof Failure ? [result] : []))[0];
  const failure = failed ?? new Failure('store-failed', `backups may be missing in ${stores}`);
  return { outcome, failure };
}

export function drillEnd(report: DrillReport): JobEnd {
  if (report.outcome === 'skipped') {
    return { outcome: { result: 'skipped' }, failure: report.failure };
  }
  const { backup, store } = report;
  const failure = report.outcome === 'failed' ? report.failure : undefined;
  return { outcome: { result: report.outcome, backup, store }, failure };
}
