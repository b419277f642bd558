import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  requireRunnable,
  runHook,
  runHooks,
  runInOrder,
  undoHooks,
} from '../../../src/datadir/hooks.ts';
import { ground } from './ground.ts';

const { signal } = new AbortController();
const limits = { limitMs: 20_000, signal };

let folder: string;
beforeEach(() => {
  folder = ground();
});

/** A program that writes down how it was called, and then does as the lines say. */
function program(name: string, lines = ''): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\necho "${name} $*" >> '${folder}/calls'\n${lines}\n`);
  chmodSync(path, 0o755);
  return path;
}

function calls(): string[] {
  const path = join(folder, 'calls');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
}

/** Resolves when the process has ended and was taken off the list. */
async function untilGone(pid: number): Promise<void> {
  const isThere = (): boolean => {
    try {
      return !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
    } catch {
      return false;
    }
  };
  await expect.poll(isThere, { timeout: 5000 }).toBe(false);
}

describe('programs around a restore', () => {
  test('are called with run, in order', async () => {
    await runHooks([program('one'), program('two'), program('three')], limits);

    expect(calls()).toEqual(['one run', 'two run', 'three run']);
  });

  test('are undone from the one that failed back to the first', async () => {
    const two = program('two', '[ "$1" = undo ] || { echo the reason >&2; exit 3; }');

    await expect(runHooks([program('one'), two, program('three')], limits)).rejects.toMatchObject({
      code: 'restore-failed',
      message: `${two} run failed (3):\n  the reason`,
    });

    expect(calls()).toEqual(['one run', 'two run', 'two undo', 'one undo']);
  });

  test('are not undone where what they follow is done', async () => {
    const two = program('two', 'exit 1');

    const ran = runInOrder([program('one'), two, program('three')], limits);

    await expect(ran).rejects.toMatchObject({ message: `${two} run failed (1)` });
    expect(calls()).toEqual(['one run', 'two run']);
  });

  test('are all undone, also when one fails at it, which is told', async () => {
    const two = program('two', 'exit 1');
    const reason = new Error('the reason');

    const told = await undoHooks([program('one'), two, program('three')], limits, reason);

    expect(told).toMatchObject({
      code: 'restore-failed',
      message: `the reason\n  and ${two} undo failed (1)`,
      hint: expect.stringContaining('Start by hand what is not running'),
      cause: reason,
    });
    expect(await undoHooks([], limits, reason)).toBe(reason);

    expect(calls()).toEqual(['three undo', 'two undo', 'one undo']);
  });

  test('show the last that they said, however much it was', async () => {
    const path = program('loud', 'seq 1 400000; echo the end >&2; exit 1');

    await expect(runHook(path, 'run', limits)).rejects.toMatchObject({
      message: expect.stringMatching(
        /loud run failed \(1\):\n {2}399997\n {2}399998\n {2}399999\n {2}400000\n {2}the end$/,
      ),
    });
    await runHook(program('fine', 'seq 1 400000'), 'run', limits);
  });

  test('tell the signal that ended them', async () => {
    const path = program('suicide', 'kill -TERM $$');

    await expect(runHook(path, 'run', limits)).rejects.toMatchObject({
      message: `${path} run failed (SIGTERM)`,
    });
  });

  test('are ended at the limit together with what they have started', async () => {
    const path = program('slow', `echo waiting; sleep 600 & echo $! > '${folder}/pid'; wait`);

    await expect(runHook(path, 'run', { limitMs: 700, signal })).rejects.toMatchObject({
      code: 'restore-failed',
      message: expect.stringMatching(/slow run did not end within 700 ?ms:\n {2}waiting$/),
    });

    await untilGone(Number(readFileSync(join(folder, 'pid'), 'utf8')));
  });

  test('are ended when the restore is stopped, with its reason', async () => {
    const stop = new AbortController();
    const reason = new Error('asked to stop');
    const path = program('slow', `echo $$ > '${folder}/pid'; exec sleep 600`);
    const running = runHook(path, 'run', { limitMs: 60_000, signal: stop.signal });
    await expect.poll(() => existsSync(join(folder, 'pid'))).toBe(true);

    stop.abort(reason);

    await expect(running).rejects.toBe(reason);
    await untilGone(Number(readFileSync(join(folder, 'pid'), 'utf8')));
    await expect(runHook(path, 'run', { limitMs: 1, signal: stop.signal })).rejects.toBe(reason);
  });

  test('may leave something running, and are not waited for because of it', async () => {
    const path = program('starter', `sleep 600 & echo $! > '${folder}/pid'`);

    await runHook(path, 'run', { limitMs: 10_000, signal });

    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    process.kill(pid, 'SIGKILL');
  });

  test('have to be there and be programs', async () => {
    const plain = join(folder, 'plain');
    writeFileSync(plain, 'no program');
    const missing = join(folder, 'missing');
    const code = 'restore-refused';

    await requireRunnable([program('one'), program('two')]);
    await expect(requireRunnable([program('one'), missing])).rejects.toMatchObject({
      code,
      message: `${missing} cannot be run: it does not exist`,
    });
    await expect(requireRunnable([plain])).rejects.toMatchObject({
      code,
      message: `${plain} cannot be run: it is not executable`,
    });
    await expect(runHook(missing, 'run', limits)).rejects.toMatchObject({
      code: 'restore-failed',
      message: `${missing} run failed (ENOENT)`,
    });
    expect(calls()).toEqual([]);
  });
});
