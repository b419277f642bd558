/** One piece of work of the daemon, watched: its name, its end, its last sign of life. */
import { Failure, toFailure } from '../core/errors.ts';
import type { Event, Observe } from '../core/events.ts';
import type { BackupReport } from '../engine/backup.ts';
import type { BackupOrder } from '../engine/order.ts';

export interface WorkOptions {
  readonly signal: AbortSignal;
  /** Must be given to all that the work does: its events are the signs of life. */
  readonly observe: Observe;
}

export interface Job {
  /** For people: "the backup". */
  readonly name: string;
  /** Milliseconds since the last event of the work. */
  quietMs(): number;
  /** Gives up waiting: whatever the work still does or tells is ignored. */
  abandon(failure: Failure): void;
}

export type Outcome<T> = { readonly value: T } | { readonly failure: Failure };

/** `ended` is called once, never before this has returned. */
export function beginJob<T>(
  name: string,
  work: (options: WorkOptions) => Promise<T>,
  options: WorkOptions & { readonly ended: (outcome: Outcome<T>) => void },
): Job {
  const { signal, ended } = options;
  let lastSignMs = performance.now();
  let isOver = false;
  const observe = (event: Event): void => {
    if (isOver) return;
    lastSignMs = performance.now();
    options.observe(event);
  };
  const end = (outcome: Outcome<T>): void => {
    if (isOver) return;
    isOver = true;
    ended(outcome);
  };
  // Within an async function: work that throws before its first wait fails like any other.
  const run = async (): Promise<T> => await work({ signal, observe });
  void run().then(
    (value) => end({ value }),
    (thrown) => end({ failure: failureOf(thrown, signal) }),
  );
  return {
    name,
    quietMs: () => performance.now() - lastSignMs,
    abandon: (failure) => end({ failure }),
  };
}

/** Begins a backup and tells its begin and its end. */
export function beginBackup(
  order: BackupOrder,
  takeBackup: (order: BackupOrder, options: WorkOptions) => Promise<BackupReport>,
  options: WorkOptions & { readonly ended: (outcome: Outcome<BackupReport>) => void },
): Job {
  const { observe, ended } = options;
  const { trigger, slot, attempt } = order;
  const startedMs = performance.now();
  observe({ kind: 'run-started', trigger, slot, attempt });
  return beginJob('the backup', (work) => takeBackup(order, work), {
    ...options,
    ended(outcome) {
      const tookMs = Math.round(performance.now() - startedMs);
      if ('failure' in outcome) {
        observe({ kind: 'run-failed', failure: outcome.failure, tookMs });
      } else {
        const { result, id } = outcome.value;
        observe({ kind: 'run-finished', result, id, tookMs });
      }
      ended(outcome);
    },
  });
}

/** What aborted work throws is its stop, however it words it. */
function failureOf(thrown: unknown, signal: AbortSignal): Failure {
  const failure = toFailure(thrown);
  if (!signal.aborted || failure.code === 'stopped') return failure;
  return new Failure('stopped', 'the work was aborted', { cause: thrown });
}
