/**
 * Programs of the operator around the swap: before it they stop what must not run, after it they
 * start it again. Each is called with `run`, and with `undo` when the restore fails after it.
 */
import { execFile } from 'node:child_process';
import { Failure } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';

export interface HookLimits {
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

const shownLines = 5;

/** Throws `restore-failed` with the end of what the program said. */
export function runHook(path: string, word: 'run' | 'undo', limits: HookLimits): Promise<void> {
  const { limitMs, signal } = limits;
  return new Promise((resolve, reject) => {
    const options = { timeout: limitMs, killSignal: 'SIGKILL', signal } as const;
    execFile(path, [word], options, (error, stdout, stderr) => {
      if (error === null) return resolve();
      if (signal.aborted) return reject(signal.reason);
      const said = `${stdout}${stderr}`.trim().split('\n').slice(-shownLines).join('\n  ');
      const how = error.killed
        ? `did not end within ${formatDuration(limitMs)}`
        : `failed (${error.code ?? error.signal})`;
      const reason = `${path} ${word} ${how}${said === '' ? '' : `:\n  ${said}`}`;
      reject(new Failure('restore-failed', reason, { cause: error }));
    });
  });
}

/** Calls each with `run`, in order. When one fails, the ones before it are undone. */
export async function runHooks(paths: readonly string[], limits: HookLimits): Promise<void> {
  for (const [at, path] of paths.entries()) {
    try {
      await runHook(path, 'run', limits);
    } catch (error) {
      await undoHooks(paths.slice(0, at + 1), limits);
      throw error;
    }
  }
}

/** Calls each with `undo`, the last first, whatever the others do and also after an abort. */
export async function undoHooks(
  paths: readonly string[],
  { limitMs }: Pick<HookLimits, 'limitMs'>,
): Promise<void> {
  for (const path of paths.toReversed()) {
    const signal = new AbortController().signal;
    // The failure that made it necessary is the one to tell.
    await runHook(path, 'undo', { limitMs, signal }).catch(() => undefined);
  }
}
