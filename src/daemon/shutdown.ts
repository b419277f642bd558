/**
 * Signals: the first drains, the second aborts, the third ends the process at once; SIGHUP is for
 * the configuration. Nothing here touches the process but through what it is given.
 */
import { failureTable } from '../core/errors.ts';
import type { DaemonEnd } from './daemon.ts';

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

  process.on('SIGTERM', stop).on('SIGINT', stop);
  return {
    [Symbol.dispose]() {
      process.off('SIGTERM', stop).off('SIGINT', stop);
    },
  };
}

export interface Hangups extends Disposable {
  /** From now on, and once for those that came before. */
  answer(reload: () => void): void;
}

/**
 * Listens to SIGHUP until disposed. Without a listener it ends the process: a closed terminal must
 * not cut a backup short, nor a reload that is asked for while the daemon starts.
 */
export function onHangups(process: SignalOptions['process']): Hangups {
  let early = false;
  let reload = (): void => {
    early = true;
  };
  const heard = (): void => reload();
  process.on('SIGHUP', heard);
  return {
    answer(next) {
      reload = next;
      if (early) next();
    },
    [Symbol.dispose]: () => void process.off('SIGHUP', heard),
  };
}

export function exitCodeOf(end: DaemonEnd): number {
  return end.aborted ? failureTable.stopped.exit : 0;
}
