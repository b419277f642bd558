/**
 * Programs of the operator around the swap: before it they stop what must not run, after it they
 * start it again. Each is called with `run`, and with `undo` when the restore fails after it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, systemCode, toFailure } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';

export interface HookLimits {
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

const shownLines = 5;
const shownChars = 2000;
/** What was said arrives at once; what still holds the pipes then was started to stay. */
const lastWordsMs = 500;

/** Throws `restore-refused` for the first that cannot be run: found after the swap is too late. */
export async function requireRunnable(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await access(path, constants.X_OK).catch((error) => {
      const reason = systemCode(error) === 'ENOENT' ? 'it does not exist' : 'it is not executable';
      throw new Failure('restore-refused', `${path} cannot be run: ${reason}`, {
        hint: 'restore.before and restore.after name it. Mend that, or take it out of there.',
        cause: error,
      });
    });
  }
}

/** Throws `restore-failed` with the end of what the program said. */
export async function runHook(
  path: string,
  word: 'run' | 'undo',
  { limitMs, signal }: HookLimits,
): Promise<void> {
  signal.throwIfAborted();
  // A group of its own: what it has started must not go on after it was given up.
  const child = spawn(path, [word], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = listen(child);
  const ended = Promise.withResolvers<string | null>();
  const giveUp = (fault: string): void => {
    ended.resolve(fault);
    endGroup(child);
  };
  const limit = setTimeout(giveUp, limitMs, `did not end within ${formatDuration(limitMs)}`);
  const onAbort = (): void => giveUp('was stopped');
  signal.addEventListener('abort', onAbort, { once: true });
  child.once('error', (error) => ended.resolve(`failed (${systemCode(error) ?? error.message})`));
  child.once('exit', (code, killer) => {
    ended.resolve(code === 0 ? null : `failed (${code ?? killer})`);
  });
  try {
    const fault = await ended.promise;
    if (fault === null) return;
    signal.throwIfAborted();
    throw new Failure('restore-failed', `${path} ${word} ${fault}${await said()}`);
  } finally {
    clearTimeout(limit);
    signal.removeEventListener('abort', onAbort);
  }
}

/** Returns what gives the end of what the program has said, each line on one of its own. */
function listen(child: ChildProcess): () => Promise<string> {
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let text = '';
  for (const pipe of [child.stdout, child.stderr]) {
    pipe?.on('data', (chunk: Buffer) => {
      text = `${text}${chunk}`.slice(-shownChars);
    });
    // What it leaves running may keep the pipe: read on, but never wait for that.
    (pipe as Socket | null)?.unref();
  }
  return async () => {
    await Promise.race([closed, sleep(lastWordsMs)]);
    const lines = text.trim().split('\n').slice(-shownLines);
    return text.trim() === '' ? '' : `:\n  ${lines.join('\n  ')}`;
  };
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}

/** Calls each with `run`, in order. When one fails, it and those before it are undone. */
export async function runHooks(paths: readonly string[], limits: HookLimits): Promise<void> {
  for (const [at, path] of paths.entries()) {
    try {
      await runHook(path, 'run', limits);
    } catch (error) {
      throw await undoHooks(paths.slice(0, at + 1), limits, error);
    }
  }
}

/** Calls each with `run`, in order, up to the first that fails. Nothing is undone. */
export async function runInOrder(paths: readonly string[], limits: HookLimits): Promise<void> {
  for (const path of paths) await runHook(path, 'run', limits);
}

/**
 * Calls each with `undo`, the last first, whatever the others do and also after an abort. Returns
 * what to throw: the failure that made it necessary, with those of the undoing in it.
 */
export async function undoHooks(
  paths: readonly string[],
  { limitMs }: Pick<HookLimits, 'limitMs'>,
  reason: unknown,
): Promise<unknown> {
  const faults: string[] = [];
  for (const path of paths.toReversed()) {
    const { signal } = new AbortController();
    await runHook(path, 'undo', { limitMs, signal }).catch((error: unknown) => {
      faults.push(toFailure(error).message);
    });
  }
  if (faults.length === 0) return reason;
  const message = [toFailure(reason).message, ...faults].join('\n  and ');
  const hint = 'The old data directory is where it was. Start by hand what is not running.';
  return new Failure('restore-failed', message, { cause: reason, hint });
}
