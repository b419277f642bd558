/** What a reload does to a daemon: never in the middle of work, and no due time lost or doubled. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { Chore } from '../../../src/daemon/chores.ts';
import type { DaemonDeps, DaemonSettings, Duties } from '../../../src/daemon/daemon.ts';
import { parseSchedule } from '../../../src/daemon/schedule.ts';
import type { BackupOrder } from '../../../src/engine/order.ts';
import { advance, fails, hour, lasts, minute, type Rig, report, second, startRig } from './rig.ts';

afterEach(() => void vi.useRealTimers());

const orderOf = (order: { trigger: string; slot: Date | null; attempt: number }) =>
  `${order.trigger} ${order.slot?.toISOString().slice(11, 19) ?? '-'} ${order.attempt}`;

interface Following {
  readonly cron?: string;
  readonly settings?: Partial<DaemonSettings>;
  readonly deps?: Partial<DaemonDeps>;
  /** Takes the orders of its backups. */
  readonly orders?: BackupOrder[];
}

/** Duties whose backups are told from those of the rig. */
function following(rig: Rig, options: Following = {}) {
  const { cron = '0 * * * *', settings, deps, orders = [] } = options;
  const duties: Duties = {
    settings: {
      schedule: parseSchedule({ cron, timezone: 'UTC' }),
      jitterMs: 0,
      catchUp: false,
      onStart: false,
      skipUnchanged: false,
      maxSkipMs: 24 * hour,
      retries: 0,
      retryDelayMs: 30 * second,
      retryDelayMaxMs: 10 * minute,
      ...settings,
    },
    deps: {
      about: { version: '1.2.3', node: 'v24', cluster: 'main', stores: ['other'] },
      takeBackup: async (order) => {
        orders.push(order);
        return report;
      },
      prepare: async () => undefined,
      lastSuccess: async () => new Date(),
      observe: (event) => void rig.events.push(event),
      now: () => new Date(),
      random: () => 0,
      ...deps,
    },
  };
  return { orders, duties };
}

function chore(name: string, runs: string[], changes: Partial<Chore> = {}): Chore {
  return {
    name,
    run: async () => {
      runs.push(name);
      return {};
    },
    gaveWay: (detail) => ({ kind: 'reading-gave-way', detail }),
    broke: (failure) => ({ kind: 'scrub-failed', failure }),
    ...changes,
  };
}

describe('a reload', () => {
  test('brings the new schedule, and the next run at its time', async () => {
    const rig = await startRig({ at: '2026-11-20T10:30:00Z' });
    const next = following(rig, { cron: '45 * * * *' });

    rig.daemon.follow(() => next.duties);
    await advance(2 * hour);

    expect(rig.orders).toEqual([]);
    expect(next.orders.map(orderOf)).toEqual(['schedule 10:45:00 1', 'schedule 11:45:00 1']);
    expect(rig.of('next-run-scheduled').at(1)?.at).toEqual(new Date('2026-11-20T10:45:00Z'));
  });

  test('waits for the backup that runs, which ends under the old settings', async () => {
    const rig = await startRig({ at: '2026-11-20T10:59:00Z', script: [lasts(30 * minute)] });
    const next = following(rig);
    let followedAt = '';
    await advance(2 * minute);

    rig.daemon.follow(() => {
      followedAt = new Date().toISOString().slice(11, 16);
      return next.duties;
    });
    await advance(2 * hour);

    expect(rig.orders.map(orderOf)).toEqual(['schedule 11:00:00 1']);
    expect(followedAt).toBe('11:30');
    expect(next.orders.map(orderOf)).toEqual(['schedule 12:00:00 1', 'schedule 13:00:00 1']);
  });

  test('waits for the preparation of the start', async () => {
    const prepare = () => new Promise<void>((resolve) => setTimeout(resolve, 5 * minute));
    const rig = await startRig({ at: '2026-11-20T10:58:00Z', deps: { prepare } });
    const next = following(rig);

    rig.daemon.follow(() => next.duties);
    await advance(4 * minute);
    const early = next.orders.length;
    await advance(2 * minute);

    expect(early).toBe(0);
    expect(next.orders.map(orderOf)).toEqual(['schedule 11:00:00 1']);
  });

  test('keeps what was asked for while it waits, and what fell due', async () => {
    const rig = await startRig({ at: '2026-11-20T10:59:00Z', script: [lasts(70 * minute)] });
    const next = following(rig);
    await advance(2 * minute);
    rig.daemon.request();
    rig.daemon.follow(() => next.duties);

    await advance(70 * minute);

    expect(next.orders.map(orderOf)).toEqual(['schedule 12:00:00 1']);
    expect(next.orders[0]?.skipUnchangedMs).toBe(0);
  });

  test('loses no due time that comes with it, and doubles none', async () => {
    const rig = await startRig({ at: '2026-11-20T10:59:59Z' });
    const { orders } = rig;
    for (let each = 0; each < 40; each += 1) {
      await advance(100);
      rig.daemon.follow(() => following(rig, { orders }).duties);
    }

    expect(orders.map(orderOf)).toEqual(['schedule 11:00:00 1']);
  });

  test.each([
    ['longer', 2 * minute, 20 * minute, '11:05:00'],
    ['shorter', 20 * minute, 2 * minute, '11:10:00'],
  ])('with a %s jitter acts once on each due time', async (_, before, after, reloadedAt) => {
    const rig = await startRig({
      at: '2026-11-20T10:30:00Z',
      settings: { jitterMs: before },
      deps: { random: () => 1 },
    });
    const next = following(rig, { settings: { jitterMs: after }, deps: { random: () => 1 } });
    await advance(Date.parse(`2026-11-20T${reloadedAt}Z`) - Date.now());

    rig.daemon.follow(() => next.duties);
    await advance(Date.parse('2026-11-20T12:30:00Z') - Date.now());

    expect([...rig.orders, ...next.orders].map(orderOf)).toEqual([
      'schedule 11:00:00 1',
      'schedule 12:00:00 1',
    ]);
    expect(rig.of('slot-missed')).toEqual([]);
  });

  test('makes up for nothing that another schedule would have had before', async () => {
    const rig = await startRig({
      at: '2026-11-20T10:30:00Z',
      settings: { jitterMs: 50 * minute },
      deps: { random: () => 1 },
    });
    const next = following(rig, { cron: '*/5 * * * *' });
    await advance(12 * minute);

    rig.daemon.follow(() => next.duties);
    await advance(4 * minute);

    expect(next.orders.map(orderOf)).toEqual(['schedule 10:40:00 1', 'schedule 10:45:00 1']);
    expect(rig.of('slot-missed')).toEqual([]);
  });

  test('does not run a due time again after the clock was put back a little', async () => {
    const rig = await startRig({ at: '2026-11-20T10:59:58Z' });
    const next = following(rig);
    await advance(5 * second);
    vi.setSystemTime(new Date('2026-11-20T10:59:50Z'));
    await advance(2 * second);

    rig.daemon.follow(() => next.duties);
    await advance(30 * minute);

    expect([...rig.orders, ...next.orders].map(orderOf)).toEqual(['schedule 11:00:00 1']);
  });

  test('keeps the retry of a failed run, which is done by the new settings', async () => {
    const rig = await startRig({
      at: '2026-11-20T10:59:00Z',
      script: [fails()],
      settings: { retries: 2, retryDelayMs: 10 * minute },
    });
    const next = following(rig, { settings: { retries: 2 } });
    await advance(2 * minute);

    rig.daemon.follow(() => next.duties);
    await advance(20 * minute);

    expect(next.orders.map(orderOf)).toEqual(['retry 11:00:00 2']);
  });

  test('brings the new rules for what is skipped as unchanged', async () => {
    const rig = await startRig({ at: '2026-11-20T10:30:00Z' });
    const skipping = following(rig, { settings: { skipUnchanged: true, maxSkipMs: 6 * hour } });
    const taking = following(rig);

    rig.daemon.follow(() => skipping.duties);
    await advance(1 * hour);
    rig.daemon.follow(() => taking.duties);
    await advance(1 * hour);

    expect(skipping.orders.map(({ skipUnchangedMs }) => skipUnchangedMs)).toEqual([6 * hour]);
    expect(taking.orders.map(({ skipUnchangedMs }) => skipUnchangedMs)).toEqual([0]);
  });

  test('changes nothing where its change comes to nothing', async () => {
    const rig = await startRig({ at: '2026-11-20T10:30:00Z' });

    rig.daemon.follow(() => undefined);
    await advance(1 * hour);

    expect(rig.orders.map(orderOf)).toEqual(['schedule 11:00:00 1']);
  });

  test('gives way to a later one, and can be called off', async () => {
    const rig = await startRig({ at: '2026-11-20T10:59:00Z', script: [lasts(10 * minute)] });
    const told: string[] = [];
    const next = following(rig);
    await advance(2 * minute);

    rig.daemon.follow(() => void told.push('first'));
    rig.daemon.follow(() => {
      told.push('second');
      return next.duties;
    });
    await advance(20 * minute);
    rig.daemon.request();
    await advance(2 * second);
    rig.daemon.follow(() => void told.push('third'));
    rig.daemon.follow(undefined);
    await advance(20 * minute);

    expect(told).toEqual(['second']);
  });

  test('is refused while the daemon drains, and one that waits is dropped', async () => {
    const rig = await startRig({ at: '2026-11-20T10:59:00Z', script: [lasts(10 * minute)] });
    let followed = 0;
    await advance(2 * minute);
    rig.daemon.follow(() => {
      followed += 1;
      return undefined;
    });

    void rig.daemon.drain('SIGTERM');
    const late = () => rig.daemon.follow(() => undefined);

    expect(late).toThrow(new Failure('stopped', 'the daemon is stopping'));
    await Promise.all([rig.daemon.ended, advance(1 * hour)]);
    expect(followed).toBe(0);
  });
});

describe('chores after a reload', () => {
  test('are the new ones, with what was due of those that stayed', async () => {
    const [before, after]: string[][] = [[], []];
    const rig = await startRig({
      at: '2026-11-20T10:59:00Z',
      script: [lasts(10 * minute)],
      deps: { chores: [chore('drill', before!), chore('heal', before!)] },
    });
    const chores = [
      chore('reading', after!, { after: (end) => end === 'reload' }),
      chore('drill', after!),
    ];
    const next = following(rig, { deps: { chores } });
    await advance(2 * minute);
    rig.daemon.requestChore('drill');
    rig.daemon.requestChore('heal');

    rig.daemon.follow(() => next.duties);
    await advance(20 * minute);

    expect(before).toEqual([]);
    expect(after).toEqual(['drill', 'reading']);
    expect(() => rig.daemon.requestChore('heal')).toThrow('there is no chore heal');
  });

  test('wait for a chore that runs, which ends in its own house', async () => {
    const [before, after]: string[][] = [[], []];
    const slow = async () => {
      await new Promise((resolve) => setTimeout(resolve, 10 * minute));
      before!.push('scrub');
      return {};
    };
    const rig = await startRig({
      at: '2026-11-20T10:30:00Z',
      deps: { chores: [chore('scrub', before!, { run: slow })] },
    });
    const next = following(rig, {
      deps: { chores: [chore('reading', after!, { after: (end) => end === 'reload' })] },
    });
    rig.daemon.requestChore('scrub');
    await advance(1 * minute);

    rig.daemon.follow(() => next.duties);
    await advance(5 * minute);
    const early = [...after!];
    await advance(5 * minute);

    expect(early).toEqual([]);
    expect([before, after]).toEqual([['scrub'], ['reading']]);
  });

  test('come again when they wanted to, and at the due times of their schedule', async () => {
    const runs: string[] = [];
    const again = async () => {
      runs.push(`heal ${new Date().toISOString().slice(11, 16)}`);
      return { againInMs: 10 * minute };
    };
    const drill = (cron: string) =>
      chore('drill', runs, { schedule: parseSchedule({ cron, timezone: 'UTC' }) });
    const rig = await startRig({
      at: '2026-11-20T10:01:00Z',
      cron: '0 0 1 1 *',
      deps: { chores: [chore('heal', runs, { run: again }), drill('0 3 * * *')] },
    });
    const next = following(rig, {
      cron: '0 0 1 1 *',
      deps: { chores: [chore('heal', runs, { run: again }), drill('5 10 * * *')] },
    });
    rig.daemon.requestChore('heal');
    await advance(1 * minute);

    rig.daemon.follow(() => next.duties);
    await advance(11 * minute);

    expect(runs).toEqual(['heal 10:01', 'drill', 'heal 10:11']);
    expect(rig.of('next-chore-scheduled').map(({ at }) => at.toISOString())).toEqual([
      '2026-11-21T03:00:00.000Z',
      '2026-11-20T10:05:00.000Z',
      '2026-11-21T10:05:00.000Z',
    ]);
  });
});
