import { afterEach, describe, expect, test, vi } from 'vitest';
import { drillChore } from '../../../src/daemon/drills.ts';
import type { WorkOptions } from '../../../src/daemon/job.ts';
import { parseSchedule } from '../../../src/daemon/schedule.ts';
import { advance, hour, lasts, minute, passes, type RigOptions, second, startRig } from './rig.ts';

afterEach(() => void vi.useRealTimers());

const at = '2026-11-20T10:59:00Z';

/** Takes its time, and ends at once when it is aborted. */
function takes(ms: number) {
  return ({ signal }: WorkOptions) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    });
}

/** A daemon with drills at half past each hour, unless told; backups are at each full hour. */
async function drilling(
  drill: (options: WorkOptions) => Promise<unknown>,
  options: Partial<RigOptions> & { readonly drillCron?: string } = {},
) {
  const begun: string[] = [];
  const run = (work: WorkOptions): Promise<unknown> => {
    begun.push(new Date().toISOString().slice(11, 19));
    return drill(work);
  };
  const { drillCron = '30 * * * *', ...given } = options;
  const schedule = parseSchedule({ cron: drillCron, timezone: 'UTC' });
  const rig = await startRig({ at, ...given, deps: { chores: [drillChore({ schedule, run })] } });
  return { ...rig, drills: begun };
}

describe('drills', () => {
  test('run at due times of their own, beside those of backups', async () => {
    const rig = await drilling(takes(minute));

    await advance(3 * hour);

    expect(rig.drills).toEqual(['11:30:00', '12:30:00', '13:30:00']);
    expect(rig.orders).toHaveLength(3);
  });

  test('tell with each due time when the next is, and since when a good one is expected', async () => {
    const rig = await drilling(takes(minute));

    await advance(40 * minute);

    const utc = (time: string) => new Date(`2026-11-20T${time}Z`);
    const next = { kind: 'next-chore-scheduled', chore: 'drill' };
    expect(rig.of('next-chore-scheduled')).toEqual([
      { ...next, at: utc('11:30:00'), expectedSince: utc('09:30:00') },
      { ...next, at: utc('12:30:00'), expectedSince: utc('10:30:00') },
    ]);
  });

  test('wait for the end of a backup', async () => {
    const rig = await drilling(takes(minute), { script: [lasts(45 * minute)] });

    await advance(55 * minute);

    expect(rig.drills).toEqual(['11:45:00']);
  });

  test('give way to a backup that falls due, and are done again after it', async () => {
    const rig = await drilling(takes(40 * minute), { script: [lasts(10 * minute)] });

    await advance(71 * minute);

    expect(rig.begun.map((time) => time.slice(11, 19))).toEqual(['11:00:00', '12:00:00']);
    expect(rig.drills).toEqual(['11:30:00', '12:10:00']);
    expect(rig.of('drill-skipped')).toMatchObject([{ reason: 'backup-due' }]);
    expect(rig.of('slot-missed')).toEqual([]);
  });

  test('give way to a backup that is asked for', async () => {
    const rig = await drilling(takes(20 * minute));

    await advance(35 * minute);
    rig.daemon.request();
    await advance(second);

    expect(rig.orders.at(-1)).toMatchObject({ trigger: 'request' });
  });

  test('that fall due during one are answered by it', async () => {
    const rig = await drilling(takes(25 * minute), {
      drillCron: '*/10 * * * *',
      cron: '0 0 1 1 *',
    });

    await advance(40 * minute);

    expect(rig.drills).toEqual(['11:00:00', '11:30:00']);
  });

  test('can be asked for, once at a time', async () => {
    const rig = await drilling(takes(5 * minute), { drillCron: '0 0 1 1 *' });

    await advance(2 * minute);
    const answers = [rig.daemon.requestChore('drill'), rig.daemon.requestChore('drill')];
    await advance(2 * minute);
    answers.push(rig.daemon.requestChore('drill'));

    expect(answers).toEqual(['accepted', 'already-queued', 'already-queued']);
    expect(rig.drills).toEqual(['11:01:00']);
  });

  test('that break by a fault are told, and the next one is done', async () => {
    const rig = await drilling(() =>
      passes(second).then(() => Promise.reject(new Error('broken'))),
    );

    await advance(2 * hour);

    expect(rig.drills).toHaveLength(2);
    expect(rig.of('drill-failed')).toMatchObject([
      { backup: null, failure: { code: 'internal', message: 'broken' } },
      { backup: null, failure: { code: 'internal' } },
    ]);
  });

  test('end at once when the daemon is to stop, which is no abort', async () => {
    const rig = await drilling(takes(20 * minute));

    await advance(35 * minute);
    const ended = rig.daemon.drain('SIGTERM');
    await advance(10);

    expect(await Promise.race([ended, Promise.resolve('still going')])).toEqual({ aborted: false });
    expect(rig.of('drill-failed')).toEqual([]);
    expect(rig.of('drill-skipped')).toEqual([]);
    expect(() => rig.daemon.requestChore('drill')).toThrow('stopping');
  });
});
