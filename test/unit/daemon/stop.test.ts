import { afterEach, describe, expect, test, vi } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { DaemonDeps } from '../../../src/daemon/daemon.ts';
import {
  advance,
  fails,
  hour,
  lasts,
  minute,
  never,
  runsUntilAborted,
  second,
  startRig,
} from './rig.ts';

afterEach(() => void vi.useRealTimers());

const at = '2026-11-20T10:59:00Z';

async function endOf<T>(promise: Promise<T>): Promise<T | 'still going'> {
  return await Promise.race([promise, Promise.resolve('still going' as const)]);
}

describe('draining', () => {
  test('stops at once when nothing runs', async () => {
    const rig = await startRig({ at });

    const ended = rig.daemon.drain('SIGTERM');
    await advance(10);

    expect(await endOf(ended)).toEqual({ aborted: false });
    expect(rig.of('daemon-stopped')).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('lets the running backup finish and begins nothing after it', async () => {
    const rig = await startRig({ at, cron: '* * * * *', script: [lasts(5 * minute)] });

    await advance(2 * minute);
    rig.daemon.request();
    const ended = rig.daemon.drain('SIGTERM');
    await advance(minute);
    const meanwhile = await endOf(ended);
    await advance(hour);

    expect(meanwhile).toBe('still going');
    expect(await endOf(ended)).toEqual({ aborted: false });
    expect(rig.orders).toHaveLength(1);
    expect(rig.of('run-finished')).toMatchObject([{ result: 'success' }]);
  });

  test('does not wait for a retry', async () => {
    const settings = { retries: 5, retryDelayMs: 10 * minute };
    const rig = await startRig({ at, script: [fails()], settings });

    await advance(2 * minute);
    const ended = rig.daemon.drain('SIGTERM');
    await advance(10);

    expect(await endOf(ended)).toEqual({ aborted: false });
    await advance(hour);
    expect(rig.orders).toHaveLength(1);
  });

  test('schedules no retry for a backup that fails meanwhile', async () => {
    const broken = new Failure('stream-broken', 'cut off');
    const rig = await startRig({
      at,
      script: [
        async (order, options) => {
          await lasts(3 * minute)(order, options);
          throw broken;
        },
      ],
      settings: { retries: 5 },
    });

    await advance(2 * minute);
    const ended = rig.daemon.drain('SIGTERM');
    await advance(hour);

    expect(await endOf(ended)).toEqual({ aborted: false });
    expect(rig.of('run-failed')).toMatchObject([{ failure: broken }]);
    expect(rig.of('retry-scheduled')).toEqual([]);
  });

  test('does not wait for the preparation of a start', async () => {
    const deps: Partial<DaemonDeps> = {
      prepare: ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    };
    const rig = await startRig({ at, deps });

    const ended = rig.daemon.drain('SIGTERM');
    await advance(10);

    expect(await endOf(ended)).toEqual({ aborted: false });
    expect(rig.orders).toEqual([]);
  });

  test('aborts the backup when it takes longer than it may', async () => {
    const settings = { drainLimitMs: 5 * minute };
    const rig = await startRig({ at, script: [runsUntilAborted], settings });

    await advance(2 * minute);
    const ended = rig.daemon.drain('SIGTERM');
    await advance(4 * minute);
    const meanwhile = await endOf(ended);
    await advance(2 * minute);

    expect(meanwhile).toBe('still going');
    expect(await endOf(ended)).toEqual({ aborted: true });
  });

  test('twice is one drain and one promise', async () => {
    const rig = await startRig({ at });

    const ends = [rig.daemon.drain('SIGTERM'), rig.daemon.drain('SIGINT'), rig.daemon.ended];
    await advance(10);

    expect(new Set(ends).size).toBe(1);
    expect(rig.of('daemon-draining')).toEqual([{ kind: 'daemon-draining', signal: 'SIGTERM' }]);
  });
});

describe('aborting', () => {
  test('cuts the running backup short and says so', async () => {
    const rig = await startRig({ at, script: [runsUntilAborted], settings: { retries: 5 } });

    await advance(2 * minute);
    const ended = rig.daemon.abort();
    await advance(10);

    expect(await endOf(ended)).toEqual({ aborted: true });
    expect(rig.of('run-failed')).toMatchObject([{ failure: { code: 'stopped' } }]);
    expect(rig.of('retry-scheduled')).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('calls every failure of the aborted backup a stop', async () => {
    const rig = await startRig({
      at,
      script: [
        (_order, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(new Error('socket closed')));
          }),
      ],
    });

    await advance(2 * minute);
    void rig.daemon.abort();
    await advance(10);

    expect(rig.of('run-failed')).toMatchObject([{ failure: { code: 'stopped' } }]);
  });

  test('is no abort for a backup that had just ended well', async () => {
    const rig = await startRig({
      at,
      script: [
        async (_order, { signal }) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          return await lasts(second)({} as never, {} as never);
        },
      ],
    });

    await advance(2 * minute);
    const ended = rig.daemon.abort();
    await advance(5 * second);

    expect(await endOf(ended)).toEqual({ aborted: false });
    expect(rig.of('run-finished')).toHaveLength(1);
  });

  test('gives up on work that does not listen', async () => {
    const rig = await startRig({ at, script: [never] });

    await advance(2 * minute);
    const ended = rig.daemon.abort();
    await advance(20 * second);
    const meanwhile = await endOf(ended);
    await advance(15 * second);

    expect(meanwhile).toBe('still going');
    expect(await endOf(ended)).toEqual({ aborted: true });
    expect(rig.of('run-failed')).toMatchObject([{ failure: { code: 'stopped' } }]);
  });

  test('is what leaving the scope of a daemon does', async () => {
    const rig = await startRig({ at, script: [runsUntilAborted] });

    await advance(2 * minute);
    await Promise.all([rig.daemon[Symbol.asyncDispose](), advance(10)]);

    expect(rig.daemon.alive()).toEqual({ ok: false, reason: 'stopped' });
    expect(rig.daemon.ready()).toEqual({ ok: false, reason: 'stopped' });
  });
});
