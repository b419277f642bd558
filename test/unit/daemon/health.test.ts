import { afterEach, describe, expect, test, vi } from 'vitest';
import { judgeLife, type VitalSigns } from '../../../src/daemon/health.ts';
import { Timetable } from '../../../src/daemon/timetable.ts';
import { advance, hour, minute, never, passes, second, setClock, startRig } from './rig.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const at = '2026-11-20T10:59:00Z';
const well: VitalSigns = { state: 'running', beatAgeMs: 500, job: undefined, overdueMs: -hour };

describe('a daemon is alive', () => {
  test('while it waits, hour after hour', async () => {
    const rig = await startRig({ at });

    await advance(3 * hour);

    expect(rig.daemon.alive()).toEqual({ ok: true, reason: 'waiting for the next due time' });
    expect(rig.daemon.ready()).toEqual({ ok: true, reason: 'the schedule is armed' });
  });

  test('during a backup of hours that tells its progress', async () => {
    const rig = await startRig({
      at,
      script: [
        async (_order, { observe }) => {
          for (;;) {
            await passes(10 * minute);
            observe({ kind: 'step-advanced', step: 'drain', doneBytes: 1, totalBytes: 2 });
          }
        },
      ],
    });

    await advance(5 * hour);

    expect(rig.orders).toHaveLength(1);
    expect(rig.daemon.alive()).toMatchObject({ ok: true });
  });

  test('in the moment in which its clock jumps ahead', async () => {
    const rig = await startRig({ at });

    await advance(minute);
    setClock('2026-11-25T10:59:00Z');

    expect(rig.daemon.alive().ok).toBe(true);
  });
});

describe('a daemon is not alive', () => {
  test('when a backup has told nothing for a quarter of an hour', async () => {
    const rig = await startRig({ at, script: [never] });

    await advance(15 * minute);
    const before = rig.daemon.alive();
    await advance(2 * minute);

    expect(before.ok).toBe(true);
    expect(rig.daemon.alive()).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/^the backup has told nothing/),
    });
  });

  test('when its preparation hangs and does not listen to its signal', async () => {
    const rig = await startRig({ at, deps: { prepare: () => new Promise(() => undefined) } });

    await advance(20 * minute);

    expect(rig.daemon.alive()).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/^the preparation has told/),
    });
  });

  test('when its loop stands still while timers and calls go on', async () => {
    const rig = await startRig({ at });
    vi.spyOn(globalThis, 'setTimeout').mockReturnValue({ unref() {} } as never);

    await advance(minute);
    await advance(31 * second);

    expect(rig.daemon.alive()).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/^the loop has stood still/),
    });
  });

  test('when its loop goes round and begins nothing', async () => {
    const rig = await startRig({ at });
    vi.spyOn(Timetable.prototype, 'look').mockImplementation(() => undefined);

    await advance(2 * minute);
    const before = rig.daemon.alive();
    await advance(2 * minute);

    expect(before.ok).toBe(true);
    expect(rig.daemon.alive()).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/^a backup has been due for/),
    });
  });
});

describe('the judgement', () => {
  test('finds a standing loop worse than a running job', () => {
    const job = { name: 'the backup', quietMs: 0 };

    expect(judgeLife({ ...well, beatAgeMs: 31 * second, job }).ok).toBe(false);
    expect(judgeLife({ ...well, job }).ok).toBe(true);
  });

  test('minds no due time while a job runs or the daemon drains', () => {
    const job = { name: 'the backup', quietMs: 0 };

    expect(judgeLife({ ...well, overdueMs: hour, job }).ok).toBe(true);
    expect(judgeLife({ ...well, overdueMs: hour }).ok).toBe(false);
    expect(judgeLife({ ...well, state: 'draining', overdueMs: 0 }).ok).toBe(true);
  });
});
