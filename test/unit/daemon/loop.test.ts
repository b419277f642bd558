import { afterEach, describe, expect, test, vi } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { parseSchedule } from '../../../src/daemon/schedule.ts';
import { advance, fails, hour, lasts, minute, report, second, setClock, startRig } from './rig.ts';

afterEach(() => void vi.useRealTimers());

const utc = (time: string): Date => new Date(`2026-11-20T${time}Z`);
const orderOf = (order: { trigger: string; slot: Date | null; attempt: number }) =>
  `${order.trigger} ${order.slot?.toISOString().slice(11, 19) ?? '-'} ${order.attempt}`;

describe('the daemon', () => {
  test('takes a backup at each due time', async () => {
    const rig = await startRig({ at: '2026-11-20T10:30:00Z' });

    await advance(2 * hour);

    expect(rig.orders.map(orderOf)).toEqual(['schedule 11:00:00 1', 'schedule 12:00:00 1']);
    expect(rig.begun).toEqual(['2026-11-20T11:00:00.000Z', '2026-11-20T12:00:00.000Z']);
  });

  test('tells its life in order', async () => {
    const rig = await startRig({ at: '2026-11-20T10:59:00Z', script: [lasts(5 * second)] });

    await advance(2 * minute);
    await Promise.all([rig.daemon.drain('SIGTERM'), advance(2 * second)]);

    expect(rig.events).toMatchObject([
      { kind: 'daemon-started', version: '1.2.3', stores: ['local'] },
      { kind: 'next-run-scheduled', at: utc('11:00:00') },
      { kind: 'next-run-scheduled', at: utc('12:00:00') },
      { kind: 'run-started', trigger: 'schedule', slot: utc('11:00:00'), attempt: 1 },
      { kind: 'run-finished', result: 'success', id: report.id, tookMs: 5000 },
      { kind: 'daemon-draining', signal: 'SIGTERM' },
      { kind: 'daemon-stopped' },
    ]);
  });

  test('tells with each due time since when a backup is expected', async () => {
    const rig = await startRig({ at: '2026-11-20T10:59:00Z', settings: { jitterMs: 4 * minute } });

    await advance(2 * hour);

    expect(rig.of('next-run-scheduled').map(({ expectedSince }) => expectedSince)).toEqual([
      utc('09:00:00'),
      utc('10:00:00'),
      utc('11:00:00'),
    ]);
  });

  test('takes both backups of a doubled hour and one for a missing one', async () => {
    const autumn = await startRig({
      at: '2026-10-25T00:00:00Z',
      cron: '30 2 * * *',
      timezone: 'Europe/Berlin',
    });
    await advance(3 * hour);
    const spring = await startRig({
      at: '2026-03-08T06:00:00Z',
      cron: '30 2 * * *',
      timezone: 'America/New_York',
    });
    await advance(3 * hour);

    expect(autumn.begun).toEqual(['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z']);
    expect(spring.begun).toEqual(['2026-03-08T07:00:00.000Z']);
  });

  test('goes on without a single tick of the timer', async () => {
    const schedule = parseSchedule({ cron: '0 * * * *', timezone: 'UTC' });
    const deaf = { ...schedule, startTicks: () => ({ restart() {}, [Symbol.dispose]() {} }) };
    const rig = await startRig({ at: '2026-11-20T10:30:00Z', settings: { schedule: deaf } });

    await advance(2 * hour);

    expect(rig.orders.map(orderOf)).toEqual(['schedule 11:00:00 1', 'schedule 12:00:00 1']);
  });

  test('acts behind each due time by the jitter that it drew', async () => {
    const rig = await startRig({
      at: '2026-11-20T10:30:00Z',
      settings: { jitterMs: 10 * minute },
      deps: { random: () => 0.5 },
    });

    await advance(2 * hour);

    expect(rig.begun.map((time) => time.slice(11, 16))).toEqual(['11:05', '12:05']);
    expect(rig.orders.map(orderOf)).toEqual(['schedule 11:00:00 1', 'schedule 12:00:00 1']);
    expect(rig.of('next-run-scheduled')[0]?.at).toEqual(utc('11:05:00'));
  });

  test('lets due times be skipped as unchanged, and not what a person asks for', async () => {
    const settings = { skipUnchanged: true, maxSkipMs: 6 * hour };
    const rig = await startRig({ at: '2026-11-20T10:59:00Z', settings });

    await advance(2 * minute);
    rig.daemon.request();
    await advance(2 * second);

    expect(rig.orders.map((order) => order.skipUnchangedMs)).toEqual([6 * hour, 0]);
  });
});

describe('while a backup runs, the daemon', () => {
  test('remembers three due times once', async () => {
    const rig = await startRig({
      at: '2026-11-20T10:59:00Z',
      script: [lasts(3 * hour + 10 * minute), lasts(second)],
    });

    await advance(3 * hour + 30 * minute);

    expect(rig.orders.map(orderOf)).toEqual(['schedule 11:00:00 1', 'schedule 14:00:00 1']);
    expect(rig.begun[1]).toBe('2026-11-20T14:10:00.000Z');
    expect(rig.of('slot-missed')).toEqual([
      {
        kind: 'slot-missed',
        slot: utc('12:00:00'),
        reason: 'the backup was running; 2 are made up for by one backup',
      },
    ]);
  });

  test('never begins a second one', async () => {
    let running = 0;
    let most = 0;
    const rig = await startRig({
      at: '2026-11-20T10:59:00Z',
      cron: '* * * * *',
      script: [
        async (order, options) => {
          running += 1;
          most = Math.max(most, running);
          rig.daemon.request();
          const done = await lasts(90 * second)(order, options);
          running -= 1;
          return done;
        },
      ],
    });

    await advance(20 * minute);

    expect(most).toBe(1);
    expect(rig.orders.length).toBeGreaterThan(10);
  });

  test('remembers requests once and answers them with one backup afterwards', async () => {
    const rig = await startRig({
      at: '2026-11-20T10:59:00Z',
      script: [lasts(10 * minute), lasts(second)],
    });

    await advance(2 * minute);
    const answers = [rig.daemon.request(), rig.daemon.request(), rig.daemon.request()];
    await advance(30 * minute);

    expect(answers).toEqual(['accepted', 'already-queued', 'already-queued']);
    expect(rig.orders.map(orderOf)).toEqual(['schedule 11:00:00 1', 'request - 1']);
  });

  test('answers a due time and a request with one backup that is not skipped', async () => {
    const rig = await startRig({
      at: '2026-11-20T10:59:00Z',
      script: [lasts(70 * minute), lasts(second)],
      settings: { skipUnchanged: true },
    });

    await advance(5 * minute);
    rig.daemon.request();
    await advance(90 * minute);

    expect(rig.orders.map(orderOf)).toEqual(['schedule 11:00:00 1', 'schedule 12:00:00 1']);
    expect(rig.orders[1]?.skipUnchangedMs).toBe(0);
  });
});

describe('when nothing runs, a request', () => {
  test('begins a backup at once', async () => {
    const rig = await startRig({ at: '2026-11-20T10:30:00Z' });

    const answer = rig.daemon.request();
    await advance(10);

    expect(answer).toBe('accepted');
    expect(rig.orders.map(orderOf)).toEqual(['request - 1']);
  });

  test('is refused once the daemon drains', async () => {
    const rig = await startRig({ at: '2026-11-20T10:30:00Z' });

    await Promise.all([rig.daemon.drain('SIGTERM'), advance(second)]);

    expect(() => rig.daemon.request()).toThrow(expect.objectContaining({ code: 'stopped' }));
  });
});

describe('when the clock is set, the daemon', () => {
  test('does not stop taking backups for hours because it was put back', async () => {
    const rig = await startRig({ at: '2026-11-20T10:30:00Z' });

    await advance(31 * minute);
    setClock('2026-11-20T05:10:00Z');
    await advance(hour);

    expect(rig.orders.map(orderOf)).toEqual(['schedule 11:00:00 1', 'schedule 06:00:00 1']);
    expect(rig.of('next-run-scheduled').map(({ at }) => at)).toEqual([
      utc('11:00:00'),
      utc('12:00:00'),
      utc('06:00:00'),
      utc('07:00:00'),
    ]);
  });

  test('does not take a slot again because it was put back by seconds', async () => {
    const rig = await startRig({ at: '2026-11-20T10:59:50Z' });

    await advance(12 * second);
    setClock('2026-11-20T10:59:30Z');
    await advance(62 * minute);

    expect(rig.orders.map(orderOf)).toEqual(['schedule 11:00:00 1', 'schedule 12:00:00 1']);
  });

  test('keeps the next slot when it is put back to just before an earlier one', async () => {
    const rig = await startRig({ at: '2026-11-20T12:30:00Z' });

    await advance(10 * second);
    setClock('2026-11-20T09:59:30Z');
    await advance(62 * minute);

    expect(rig.orders.map(orderOf)).toEqual(['schedule 11:00:00 1']);
  });

  test('makes up for all that a jump ahead passed with one backup', async () => {
    const rig = await startRig({ at: '2026-11-20T10:30:00Z' });

    await advance(minute);
    setClock('2026-11-22T15:20:00Z');
    await advance(30 * second);

    expect(rig.orders).toMatchObject([
      { trigger: 'schedule', slot: new Date('2026-11-22T15:00:00Z'), attempt: 1 },
    ]);
    expect(rig.of('slot-missed')).toEqual([
      {
        kind: 'slot-missed',
        slot: utc('11:00:00'),
        reason:
          'the clock was put forward, or the machine stood still; ' +
          '52 are made up for by one backup',
      },
    ]);
  });

  test('is not held up by a jump of fifty years', async () => {
    const rig = await startRig({ at: '1970-01-01T00:00:10Z', cron: '* * * * *' });

    await advance(5 * second);
    setClock('2026-11-20T10:30:20Z');
    await advance(2 * minute);

    expect(rig.begun.map((time) => time.slice(0, 16))).toEqual([
      '2026-11-20T10:30',
      '2026-11-20T10:31',
      '2026-11-20T10:32',
    ]);
  });

  test('tries again after the real time, wherever the clock went', async () => {
    const rig = await startRig({
      at: '2026-11-20T10:59:50Z',
      script: [fails(), lasts(second)],
      settings: { retries: 2, retryDelayMs: 5 * minute },
    });

    await advance(15 * second);
    setClock('2026-11-20T08:01:00Z');
    await advance(4 * minute);
    const before = rig.orders.length;
    await advance(2 * minute);

    expect(before).toBe(1);
    expect(rig.orders.map(orderOf)).toEqual(['schedule 11:00:00 1', 'retry 11:00:00 2']);
  });
});

describe('a failed backup', () => {
  test('is tried again with growing waits until its tries are used up', async () => {
    const rig = await startRig({
      at: '2026-11-20T10:59:00Z',
      script: [fails()],
      settings: { retries: 3, retryDelayMs: 30 * second },
    });

    await advance(30 * minute);

    expect(rig.orders.map(orderOf)).toEqual([
      'schedule 11:00:00 1',
      'retry 11:00:00 2',
      'retry 11:00:00 3',
      'retry 11:00:00 4',
    ]);
    expect(rig.begun.map((time) => time.slice(11, 19))).toEqual([
      '11:00:00',
      '11:00:30',
      '11:01:30',
      '11:03:30',
    ]);
    expect(rig.of('retry-scheduled').map(({ attempt, attempts }) => [attempt, attempts])).toEqual([
      [2, 4],
      [3, 4],
      [4, 4],
    ]);
    expect(rig.of('retries-ended')).toMatchObject([
      { slot: utc('11:00:00'), attempts: 4, reason: 'all 4 tries failed' },
    ]);
  });

  test('leaves the rest to the next due time, which begins anew', async () => {
    const rig = await startRig({
      at: '2026-11-20T10:59:00Z',
      cron: '*/5 * * * *',
      script: [fails()],
      settings: { retries: 5, retryDelayMs: 2 * minute },
    });

    await advance(7 * minute);

    expect(rig.orders.map(orderOf)).toEqual([
      'schedule 11:00:00 1',
      'retry 11:00:00 2',
      'schedule 11:05:00 1',
    ]);
    expect(rig.of('retries-ended')).toMatchObject([
      { slot: utc('11:00:00'), attempts: 2, reason: 'the next due time comes before' },
    ]);
  });

  test('that lasted over the next due time gives way to it at once', async () => {
    const rig = await startRig({
      at: '2026-11-20T10:59:00Z',
      script: [
        async (order, options) => {
          await lasts(61 * minute)(order, options);
          throw new Failure('stream-broken', 'cut off');
        },
        lasts(second),
      ],
      settings: { retries: 5 },
    });

    await advance(63 * minute);

    expect(rig.orders.map(orderOf)).toEqual(['schedule 11:00:00 1', 'schedule 12:00:00 1']);
    expect(rig.of('retry-scheduled')).toEqual([]);
  });

  test('is not tried again where that cannot help, and the daemon says so', async () => {
    const failure = new Failure('cluster-permission', 'permission denied');
    const rig = await startRig({
      at: '2026-11-20T10:59:00Z',
      script: [fails(failure)],
      settings: { retries: 5 },
    });

    await advance(62 * minute);

    expect(rig.orders.map(orderOf)).toEqual(['schedule 11:00:00 1', 'schedule 12:00:00 1']);
    expect(rig.of('run-failed').map((event) => event.failure)).toEqual([failure, failure]);
    expect(rig.of('retries-ended')[0]).toEqual({
      kind: 'retries-ended',
      slot: utc('11:00:00'),
      attempts: 1,
      failure,
      reason: 'trying again does not help',
    });
  });

  test('is not tried again when at least one store has the backup', async () => {
    const rig = await startRig({
      at: '2026-11-20T10:59:00Z',
      script: [async () => ({ ...report, result: 'partial' })],
      settings: { retries: 5 },
    });

    await advance(50 * minute);

    expect(rig.orders).toHaveLength(1);
    expect(rig.of('run-finished')).toMatchObject([{ result: 'partial' }]);
  });

  test('is answered by a request that comes while it waits', async () => {
    const rig = await startRig({
      at: '2026-11-20T10:59:00Z',
      script: [fails(), lasts(second)],
      settings: { retries: 5, retryDelayMs: 10 * minute },
    });

    await advance(2 * minute);
    rig.daemon.request();
    await advance(40 * minute);

    expect(rig.orders.map(orderOf)).toEqual(['schedule 11:00:00 1', 'request 11:00:00 1']);
    expect(rig.of('retries-ended')).toMatchObject([
      { attempts: 1, reason: 'a backup was asked for' },
    ]);
  });

  test('of a fault that is no Failure is told as internal and ends nothing', async () => {
    const rig = await startRig({
      at: '2026-11-20T10:59:00Z',
      script: [
        () => {
          throw new TypeError('x is undefined');
        },
        lasts(second),
      ],
    });

    await advance(62 * minute);

    expect(rig.of('run-failed').map(({ failure }) => failure.code)).toEqual(['internal']);
    expect(rig.orders).toHaveLength(2);
  });
});
