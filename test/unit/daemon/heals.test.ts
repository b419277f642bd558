import { afterEach, describe, expect, test, vi } from 'vitest';
import { healChore } from '../../../src/daemon/heals.ts';
import { parseSchedule } from '../../../src/daemon/schedule.ts';
import type { HealReport } from '../../../src/engine/heal.ts';
import { advance, hour, minute, type RigOptions, report, startRig } from './rig.ts';

afterEach(() => void vi.useRealTimers());

const whole: HealReport = { copies: [], missing: { local: 0, offsite: 0 }, unread: [] };
const lacking: HealReport = { ...whole, missing: { local: 0, offsite: 2 } };
const dead: HealReport = { ...whole, missing: { local: 0 }, unread: ['offsite'] };

/** A daemon whose heals end as told, the last one again and again; when each of them began. */
async function healing(
  ends: readonly (HealReport | Error)[],
  options: Partial<RigOptions> & { readonly healCron?: string } = {},
) {
  const begun: string[] = [];
  const { healCron = '0 0 1 1 *', ...given } = options;
  const run = async (): Promise<HealReport> => {
    begun.push(new Date().toISOString().slice(11, 16));
    const end = ends[Math.min(begun.length, ends.length) - 1] ?? whole;
    if (end instanceof Error) throw end;
    return end;
  };
  const schedule = parseSchedule({ cron: healCron, timezone: 'UTC' });
  const chores = [healChore({ schedule, run })];
  const rig = await startRig({
    at: '2026-11-20T10:00:10Z',
    cron: '0 0 1 1 *',
    ...given,
    deps: { chores },
  });
  return { ...rig, heals: begun };
}

describe('healing by the daemon', () => {
  test('is done at the start and at its due times', async () => {
    const rig = await healing([whole], { healCron: '30 * * * *' });

    await advance(2 * hour);

    expect(rig.heals).toEqual(['10:00', '10:30', '11:30']);
  });

  test('is done after a run that a store failed in, and after no other', async () => {
    const rig = await healing([whole], {
      cron: '0 * * * *',
      script: [async () => report, async () => ({ ...report, result: 'partial' })],
    });

    await advance(2.5 * hour);

    expect(rig.heals).toEqual(['10:00', '12:00']);
  });

  test('comes again with growing pauses while something is missing or unread', async () => {
    const rig = await healing([dead, lacking, dead, lacking, dead, lacking, dead, whole]);

    await advance(5 * hour);

    const pauses = ['10:01', '10:03', '10:07', '10:15', '10:31', '11:01', '11:31'];
    expect(rig.heals).toEqual(['10:00', ...pauses]);
  });

  test('begins with a short pause again once all was whole', async () => {
    const rig = await healing([lacking, lacking, whole, lacking, whole]);

    await advance(10 * minute);
    rig.daemon.requestChore('heal');
    await advance(hour);

    expect(rig.heals).toEqual(['10:00', '10:01', '10:03', '10:10', '10:11']);
  });

  test('that breaks by a fault is told, and done again when it is due', async () => {
    const rig = await healing([new Error('broken'), whole], { healCron: '30 * * * *' });

    await advance(hour);

    expect(rig.of('heal-failed')).toMatchObject([{ failure: { code: 'internal' } }]);
    expect(rig.heals).toEqual(['10:00', '10:30']);
  });
});
