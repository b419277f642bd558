/**
 * Signals: the first drains, the second aborts, the third ends the process at once. Nothing here
 * touches the process but through what it is given.
 */
import { failureTable } from '../core/errors.ts';
import type { DaemonEnd } from './loop.ts';

export interface SignalOptions {
  readonly process: Pick<NodeJS.Process, 'on' | 'off'>;
  /** Takes the name of the signal. */
  readonly drain: (signal: string) => void;
  readonly abort: () => void;
  readonly exit: (code: number) => void;
}

// A terminal signals all its processes, and npm passes the signal on once more: one wish, twice.
const echoMs = 100;

/** Listens until disposed. */
export function onSignals(options: SignalOptions): Disposable {
  const { process, drain, abort, exit } = options;
  let received = 0;
  let lastMs = Number.NEGATIVE_INFINITY;
  const stop = (signal: NodeJS.Signals): void => {
    const nowMs = performance.now();
    const isEcho = nowMs - lastMs < echoMs;
    lastMs = nowMs;
    if (isEcho) return;
    received += 1;
    if (received === 1) drain(signal);
    else if (received === 2) abort();
    else exit(exitCodeOf({ aborted: true }));
  };
  // Without a listener it ends the process, and a closed terminal must not cut a backup short.
  const ignore = (): void => undefined;

  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', ignore);
  return {
    [Symbol.dispose]() {
      process.off('SIGTERM', stop).off('SIGINT', stop).off('SIGHUP', ignore);
    },
  };
}

export function exitCodeOf(end: DaemonEnd): number {
  return end.aborted ? failureTable.stopped.exit : 0;
}
