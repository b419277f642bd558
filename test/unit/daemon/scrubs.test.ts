import { afterEach, describe, expect, test, vi } from 'vitest';
import type { WorkOptions } from '../../../src/daemon/job.ts';
import { parseSchedule } from '../../../src/daemon/schedule.ts';
import { longestGap, scrubChore } from '../../../src/daemon/scrubs.ts';
import { advance, hour, lasts, minute, startRig } from './rig.ts';

afterEach(() => void vi.useRealTimers());

const day = 24 * hour;
const schedule = parseSchedule({ cron: '40 * * * *', timezone: 'UTC' });

/** Takes its time, and ends at once when it is aborted. */
function takes(ms: number, { signal }: WorkOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** A daemon with a backup at each full hour and a scrub of half an hour at forty past. */
async function scrubbing(broken?: Error) {
  const begun: string[] = [];
  const chore = scrubChore({
    schedule,
    withinMs: day,
    now: () => new Date(),
    run: async ({ since, withinMs, periodMs }, work) => {
      const times = [new Date(), since].map((time) => time.toISOString().slice(11, 16));
      begun.push(times.join(' since '));
      expect([withinMs, periodMs]).toEqual([day, hour]);
      if (broken !== undefined) throw broken;
      await takes(30 * minute, work);
    },
  });
  const at = '2026-11-20T10:59:00Z';
  const rig = await startRig({
    at,
    script: [lasts(0), lasts(5 * minute)],
    deps: { chores: [chore] },
  });
  return { ...rig, begun };
}

describe('scrubs', () => {
  test('give way to a backup, and know from then on what they have read already', async () => {
    const rig = await scrubbing();

    await advance(70 * minute);

    expect(rig.begun).toEqual(['11:40 since 11:40', '12:05 since 11:40']);
    expect(rig.of('scrub-gave-way')).toMatchObject([
      { detail: 'a backup was due; the scrub is done again after it' },
    ]);
    expect(rig.of('scrub-failed')).toEqual([]);
  });

  test('that break are told, and come again at their next time', async () => {
    const rig = await scrubbing(new Error('no such thing'));

    await advance(110 * minute);

    expect(rig.begun).toHaveLength(2);
    expect(rig.of('scrub-failed')).toMatchObject([
      { failure: { code: 'internal', message: 'no such thing' } },
      { failure: { code: 'internal' } },
    ]);
  });
});

describe('scrubs of several daemons', () => {
  test('leave shared stores to the first in line, and see hours later what it left', async () => {
    const even = parseSchedule({ cron: '0 */2 * * *', timezone: 'UTC' });
    const begun: string[] = [];
    const slots: Date[] = [];
    const chore = scrubChore({
      schedule: even,
      withinMs: 30 * day,
      now: () => new Date(),
      drawTurn: async (slot) => {
        slots.push(slot);
        return { rank: 1, of: 3 };
      },
      run: async ({ since }, { ownOnly, ...work }) => {
        const times = [new Date(), since].map((time) => time.toISOString().slice(11, 16));
        begun.push(`${times.join(' since ')} ${ownOnly ? 'own' : 'all'}`);
        await takes(10 * minute, work);
      },
    });
    // Backups come first, and are done at once.
    await startRig({ at: '2026-11-20T11:59:00Z', cron: '0 */6 * * *', deps: { chores: [chore] } });

    await advance(110 * minute);

    expect(begun).toEqual(['12:00 since 12:00 own', '12:30 since 12:00 all']);
    expect(slots).toEqual([new Date('2026-11-20T12:00:00Z')]);
  });

  test('read all at once for who asks, also while another one goes first', async () => {
    const begun: boolean[] = [];
    const chore = scrubChore({
      schedule,
      withinMs: day,
      now: () => new Date(),
      drawTurn: async () => ({ rank: 1, of: 3 }),
      run: async (_, { ownOnly }) => void begun.push(ownOnly),
    });
    const { daemon } = await startRig({ at: '2026-11-20T10:39:00Z', deps: { chores: [chore] } });

    await advance(2 * minute);
    daemon.requestChore('scrub');
    await advance(minute);

    expect(begun).toEqual([true, false]);
  });

  test('read all at once where the cluster does not tell whose turn it is', async () => {
    const begun: boolean[] = [];
    const chore = scrubChore({
      schedule,
      withinMs: day,
      now: () => new Date(),
      drawTurn: () => Promise.reject(new Error('no answer')),
      run: async (_, { ownOnly }) => void begun.push(ownOnly),
    });
    await startRig({ at: '2026-11-20T10:30:00Z', deps: { chores: [chore] } });

    await advance(20 * minute);

    expect(begun).toEqual([false]);
  });
});

describe('the longest time between two scrubs', () => {
  test.each([
    ['17 2 * * *', day],
    ['17 2 * * 1-5', 3 * day],
    ['0 */6 * * *', 6 * hour],
    ['0 1,4 * * *', 21 * hour],
  ])('of %s is known', (cron, expected) => {
    const given = parseSchedule({ cron, timezone: 'UTC' });

    expect(longestGap(given, new Date('2026-11-20T10:00:00Z'))).toBe(expected);
  });

  test('is taken for a day where there are none by themselves', () => {
    expect(longestGap(undefined, new Date())).toBe(day);
  });
});
