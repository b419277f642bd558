/** Whether and when a failed backup is tried again. Pure. */
import type { Failure } from '../core/errors.ts';

export interface RetryRules {
  /** Tries after the first one. */
  readonly retries: number;
  readonly retryDelayMs: number;
  readonly retryDelayMaxMs: number;
}

export interface Failed {
  readonly failure: Failure;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Until the next due time is acted on; 0 when it has come. */
  readonly nextInMs: number;
}

export type RetryPlan =
  | { readonly delayMs: number; readonly attempt: number }
  /** Why there is no further try. */
  | { readonly ended: string };

/** The wait is half to all of what the rules allow: many daemons must not come back at once. */
export function planRetry(failed: Failed, rules: RetryRules, random: () => number): RetryPlan {
  const { failure, attempt, nextInMs } = failed;
  if (!failure.retryable) return { ended: 'trying again does not help' };
  if (rules.retries === 0) return { ended: 'it is not to be tried again' };
  if (attempt > rules.retries) return { ended: `all ${attempt} tries failed` };
  const longestMs = Math.min(rules.retryDelayMs * 2 ** (attempt - 1), rules.retryDelayMaxMs);
  const delayMs = Math.round(longestMs * (1 - random() / 2));
  // The next due time begins anew with all its tries; one just before it would only hold it up.
  if (delayMs >= nextInMs) return { ended: 'the next due time comes before' };
  return { delayMs, attempt: attempt + 1 };
}
