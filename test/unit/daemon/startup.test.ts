import { afterEach, describe, expect, test, vi } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { DaemonDeps } from '../../../src/daemon/daemon.ts';
import { advance, hour, minute, runsUntilAborted, second, startRig } from './rig.ts';

afterEach(() => void vi.useRealTimers());

const at = '2026-11-20T10:30:00Z';
const anyOrder = { trigger: 'start', slot: null, attempt: 1, skipUnchangedMs: 0 } as const;
const utc = (time: string): Date => new Date(`2026-11-20T${time}Z`);
const catchUp = { catchUp: true };
const foundAt = (time: string) => ({ lastSuccess: async () => utc(time) });

describe('a daemon that starts', () => {
  test('makes up for the newest of many missed due times with one backup', async () => {
    const rig = await startRig({ at, settings: catchUp, deps: foundAt('05:59:00') });

    await advance(20 * minute);

    expect(rig.orders).toMatchObject([
      { trigger: 'catch-up', slot: utc('10:00:00'), attempt: 1, skipUnchangedMs: 0 },
    ]);
    expect(rig.of('slot-missed')).toEqual([
      {
        kind: 'slot-missed',
        slot: utc('10:00:00'),
        reason: 'the daemon did not run or did not succeed; it is made up for now',
      },
    ]);
  });

  test('finds in the stores that the last due time was answered', async () => {
    const rig = await startRig({ at, settings: catchUp, deps: foundAt('10:00:00') });

    await advance(20 * minute);

    expect(rig.orders).toEqual([]);
    expect(rig.of('slot-missed')).toEqual([]);
  });

  test('takes a backup when there is none yet, and calls none missed', async () => {
    const deps = { lastSuccess: async () => undefined };
    const rig = await startRig({ at, settings: catchUp, deps });

    await advance(second);

    expect(rig.orders).toMatchObject([{ trigger: 'catch-up', slot: utc('10:00:00') }]);
    expect(rig.of('slot-missed')).toEqual([]);
  });

  test('takes a backup when nobody knows whether the last one was taken', async () => {
    const deps = {
      lastSuccess: async () => {
        throw new Failure('store-failed', 'no answer from the store');
      },
    };
    const rig = await startRig({ at, settings: catchUp, deps });

    await advance(second);

    expect(rig.orders).toMatchObject([{ trigger: 'catch-up' }]);
    expect(rig.of('slot-missed')[0]?.reason).toContain('no answer from the store');
  });

  test('does not believe a backup from the future', async () => {
    const rig = await startRig({ at, settings: catchUp, deps: foundAt('23:00:00') });

    await advance(31 * minute);

    expect(rig.orders.map(({ trigger }) => trigger)).toEqual(['catch-up', 'schedule']);
  });

  test('only tells what was missed when it may not make up for it', async () => {
    const rig = await startRig({ at, deps: foundAt('05:59:00') });

    await advance(20 * minute);

    expect(rig.orders).toEqual([]);
    expect(rig.of('slot-missed')[0]?.reason).toContain('it is not made up for');
  });

  test('takes one backup for its start and for what it missed', async () => {
    const settings = { catchUp: true, onStart: true, skipUnchanged: true };
    const rig = await startRig({ at, settings, deps: foundAt('05:59:00') });

    await advance(20 * minute);

    expect(rig.orders).toMatchObject([
      { trigger: 'start', slot: utc('10:00:00'), skipUnchangedMs: 0 },
    ]);
  });

  test('takes a backup for its start though none was missed', async () => {
    const rig = await startRig({ at, settings: { onStart: true }, deps: foundAt('10:00:30') });

    await advance(20 * minute);

    expect(rig.orders).toMatchObject([{ trigger: 'start', slot: null }]);
  });

  test('does not answer a slot twice because it draws more jitter than the daemon before', async () => {
    const rig = await startRig({
      at: '2026-11-20T10:03:00Z',
      settings: { catchUp: true, jitterMs: 10 * minute },
      deps: { ...foundAt('10:02:00'), random: () => 0.5 },
    });

    await advance(90 * minute);

    expect(rig.orders.map(({ slot }) => slot)).toEqual([utc('11:00:00')]);
  });

  test('takes the due time that comes while it prepares, and nothing for it twice', async () => {
    const rig = await startRig({
      at: '2026-11-20T10:59:58Z',
      settings: catchUp,
      deps: {
        ...foundAt('05:59:00'),
        prepare: () => new Promise((resolve) => setTimeout(resolve, 10 * second)),
      },
    });

    await advance(10 * minute);

    expect(rig.orders).toMatchObject([{ trigger: 'schedule', slot: utc('11:00:00') }]);
    expect(rig.begun).toEqual(['2026-11-20T11:00:08.000Z']);
  });

  test('takes backups though its preparation failed', async () => {
    const failure = new Failure('cluster-unreachable', 'no member answers');
    const deps = {
      prepare: async () => {
        throw failure;
      },
    };
    const rig = await startRig({ at, deps });

    await advance(31 * minute);

    expect(rig.of('preparation-failed')).toEqual([{ kind: 'preparation-failed', failure }]);
    expect(rig.orders).toHaveLength(1);
  });

  test('ends a preparation that waits for ever, and begins', async () => {
    const deps: Partial<DaemonDeps> = {
      prepare: async (options) => void (await runsUntilAborted(anyOrder, options)),
    };
    const rig = await startRig({ at, deps });

    const before = rig.daemon.ready();
    await advance(hour);

    expect(before).toEqual({ ok: false, reason: 'the start is being prepared' });
    expect(rig.of('preparation-failed')[0]?.failure.code).toBe('timed-out');
    expect(rig.daemon.ready().ok).toBe(true);
    expect(rig.orders).toHaveLength(1);
  });
});
