/** The story of a backup. */
import type { BackupId } from '../core/backup.ts';
import { Failure } from '../core/errors.ts';
import type { BackupStep, RunResult } from '../core/events.ts';
import type { Proof } from '../core/manifest.ts';
import { agree } from './agree.ts';
import type { EngineDeps } from './deps.ts';
import { describeBackup } from './describe.ts';
import { drawSnapshot } from './draw.ts';
import { tellAlarms } from './identify.ts';
import { keepEverywhere } from './keep.ts';
import type { BackupOrder } from './order.ts';
import { pruneShelves } from './prune.ts';
import { Stopwatch } from './stopwatch.ts';
import { newestIfCurrent } from './unchanged.ts';

export interface BackupReport {
  readonly result: Extract<RunResult, 'success' | 'partial' | 'unchanged' | 'answered'>;
  readonly id: BackupId;
  /** Of stores that did not get the backup. */
  readonly failures: ReadonlyMap<string, Failure>;
}

/**
 * Takes one proved backup of the cluster into every store. Throws when no store has it; what a
 * failed or killed run leaves behind is never listed as a backup.
 */
export async function takeBackup(
  order: BackupOrder,
  deps: EngineDeps,
  options: { readonly signal: AbortSignal },
): Promise<BackupReport> {
  const { signal } = options;
  const startedAt = deps.now();
  // Before anything is done: a run that could not be signed in the end is a run for nothing.
  const signer = deps.trust.signer();
  const steps = new Stopwatch<BackupStep>((step, tookMs) =>
    deps.observe({ kind: 'step-finished', step, tookMs }),
  );

  const survey = await steps.time('choose', () => deps.cluster.survey({ signal }));
  tellAlarms(survey, deps);
  const current = await newestIfCurrent(survey, order, deps, signal);
  if (current !== undefined) return { result: 'unchanged', id: current.id, failures: new Map() };

  const asked = { survey, slot: order.slot, startedAt };
  await using drawn = await drawSnapshot(asked, steps, deps, signal);
  const agreed = await steps.time('agree', () => agree(drawn, survey, deps, signal));
  if (deps.source.onMismatch === 'discard') requireAgreement(agreed, 'nothing was stored');

  const contentHash = await steps.time('agree', () => drawn.prover.hashKv(drawn.proved.facts));
  // Its memory is wanted back before the rest begins.
  await drawn.prover[Symbol.asyncDispose]();
  const { sending, proved } = drawn;
  const sealed = await steps.time('seal', () => sending.sealed(proved));
  const parts = { startedAt, slot: order.slot, survey, drawn, agreed, contentHash, sealed, signer };
  const draft = describeBackup({ ...parts, steps: steps.steps }, deps);
  const kept = await steps.time('store', () => keepEverywhere(draft, sending, deps, signal));
  requireAgreement(agreed, `${draft.id} is stored, marked as not proved`);
  await steps.time('prune', () => pruneShelves(kept.shelves, survey.clusterId, deps, signal));

  return { result: kept.result, id: draft.id, failures: kept.failures };
}

/** A mismatch is an alarm: the run fails, so nothing is pruned after it and nobody overlooks it. */
function requireAgreement(agreed: Proof, consequence: string): void {
  if (agreed.outcome !== 'failed') return;
  const reason = String(agreed.evidence['reason']);
  throw new Failure('hash-mismatch', `members hold different data: ${reason}; ${consequence}`);
}
