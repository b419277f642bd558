/**
 * What a daemon does before its first due time. Its memory is in the stores: the newest backup
 * there tells whether a due time was missed while no daemon ran.
 */
import { isAhead } from '../core/clocks.ts';
import { Failure, toFailure } from '../core/errors.ts';
import type { Due } from './agenda.ts';
import type { WorkOptions } from './job.ts';

export interface StartRules {
  readonly catchUp: boolean;
  readonly onStart: boolean;
}

export interface StartDeps {
  readonly prepare: (options: WorkOptions) => Promise<void>;
  /** Start of the newest proved backup that every store has. */
  readonly lastSuccess: (options: WorkOptions) => Promise<Date | undefined>;
}

/** What the preparation found. A failure of it never keeps the daemon from taking backups. */
export interface Found {
  readonly preparation: Failure | undefined;
  /** null: there is none. A failure: nobody knows. */
  readonly lastSuccess: Date | null | Failure;
}

export interface StartPlan {
  readonly due: Due | undefined;
  /** What is wrong about the missed slot, where one is known to be missed. */
  readonly missed: { readonly slot: Date; readonly reason: string } | undefined;
}

const prepareLimitMs = 10 * 60_000;
const lastSuccessLimitMs = 2 * 60_000;

export async function prepareStart(deps: StartDeps, options: WorkOptions): Promise<Found> {
  const preparation = await limited(deps.prepare, options, prepareLimitMs).then(
    () => undefined,
    (thrown) => toFailure(thrown),
  );
  options.signal.throwIfAborted();
  const lastSuccess = await limited(deps.lastSuccess, options, lastSuccessLimitMs).then(
    (date) => date ?? null,
    (thrown) => toFailure(thrown),
  );
  return { preparation, lastSuccess };
}

/** `slot` is the newest due time at or before the start. Any doubt is a reason for a backup. */
export function planStart(
  slot: Date | undefined,
  lastSuccess: Found['lastSuccess'],
  rules: StartRules,
  now: Date,
): StartPlan {
  const doubt = slot === undefined ? undefined : doubtAbout(slot, lastSuccess, now);
  const made = rules.catchUp || rules.onStart ? 'it is made up for now' : 'it is not made up for';
  // A store without any backup has missed nothing: it is new.
  const missed =
    slot === undefined || doubt === undefined || lastSuccess === null
      ? undefined
      : { slot, reason: `${doubt}; ${made}` };
  if (rules.onStart) {
    return { due: { trigger: 'start', slot: doubt === undefined ? null : (slot ?? null) }, missed };
  }
  const catchUp = rules.catchUp && slot !== undefined && doubt !== undefined;
  return { due: catchUp ? { trigger: 'catch-up', slot } : undefined, missed };
}

/** Why the slot may have no backup, or undefined when it has one. */
function doubtAbout(slot: Date, lastSuccess: Found['lastSuccess'], now: Date): string | undefined {
  if (lastSuccess === null) return 'there is no backup yet';
  if (lastSuccess instanceof Failure) {
    return `nobody knows whether it was taken: ${lastSuccess.message}`;
  }
  if (isAhead(lastSuccess, now)) {
    return `the newest backup is from the future: ${lastSuccess.toISOString()}`;
  }
  return lastSuccess < slot ? 'the daemon did not run or did not succeed' : undefined;
}

/**
 * The limit ends the signal and does not leave the work behind: what goes on after it would meet
 * the first backup in the spool. Work that ignores its signal shows in the daemon's health.
 */
async function limited<T>(
  work: (options: WorkOptions) => Promise<T>,
  options: WorkOptions,
  limitMs: number,
): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => {
    limit.abort(new Failure('timed-out', `no answer within ${limitMs / 60_000} minutes`));
  }, limitMs);
  try {
    const signal = AbortSignal.any([options.signal, limit.signal]);
    return await work({ signal, observe: options.observe });
  } finally {
    clearTimeout(timer);
  }
}
