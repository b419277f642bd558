/** Several chores beside the backups; what each of them keeps to is shown by the drills. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { Chore, ChoreEnd } from '../../../src/daemon/chores.ts';
import { parseSchedule } from '../../../src/daemon/schedule.ts';
import { advance, fails, hour, minute, passes, type RigOptions, report, startRig } from './rig.ts';

afterEach(() => void vi.useRealTimers());

interface Told {
  readonly begun: string[];
  /** How many of all chores run at this moment, at most. */
  most: number;
}

/** A chore that takes its time, and notes when it begins. */
function chore(name: string, told: Told, changes: Partial<Chore> & { end?: ChoreEnd } = {}): Chore {
  const { end = {}, ...given } = changes;
  return {
    name,
    run: async ({ signal }) => {
      told.begun.push(`${name} ${new Date().toISOString().slice(11, 16)}`);
      running += 1;
      told.most = Math.max(told.most, running);
      await Promise.race([passes(10 * minute), aborted(signal)]);
      running -= 1;
      signal.throwIfAborted();
      return end;
    },
    gaveWay: (detail) => ({ kind: 'drill-skipped', reason: 'backup-due', detail }),
    broke: (failure) => ({ kind: 'drill-failed', backup: null, store: null, failure }),
    ...given,
  };
}

let running = 0;

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
}

function open(chores: readonly Chore[], options: Partial<RigOptions> = {}) {
  running = 0;
  return startRig({ at: '2026-11-20T10:59:00Z', cron: '0 0 1 1 *', ...options, deps: { chores } });
}

describe('chores', () => {
  test('run one at a time, the first due first', async () => {
    const told: Told = { begun: [], most: 0 };
    const at = (cron: string) => ({ schedule: parseSchedule({ cron, timezone: 'UTC' }) });
    await open([
      chore('sweep', told, at('5 * * * *')),
      chore('drill', told, at('0 * * * *')),
      chore('count', told, at('4 * * * *')),
    ]);

    await advance(40 * minute);

    expect(told).toEqual({ begun: ['drill 11:00', 'count 11:10', 'sweep 11:20'], most: 1 });
  });

  test('are asked for by name', async () => {
    const told: Told = { begun: [], most: 0 };
    const rig = await open([chore('sweep', told), chore('drill', told)]);

    const answers = ['drill', 'drill', 'sweep'].map((name) => rig.daemon.requestChore(name));
    await advance(30 * minute);

    expect(answers).toEqual(['accepted', 'already-queued', 'accepted']);
    expect(told.begun).toEqual(['drill 10:59', 'sweep 11:09']);
    expect(() => rig.daemon.requestChore('wash')).toThrow(Failure);
  });

  test('begin after the start and after runs, where they want that', async () => {
    const told: Told = { begun: [], most: 0 };
    await open(
      [
        chore('heal', told, { after: (end) => end === 'start' || end === 'partial' }),
        chore('wake', told, { after: (end) => end === 'failure' }),
      ],
      {
        cron: '0 * * * *',
        script: [async () => report, async () => ({ ...report, result: 'partial' }), fails()],
      },
    );

    await advance(3 * hour);

    expect(told.begun).toEqual(['heal 10:59', 'heal 11:00', 'heal 12:00', 'wake 13:00']);
  });

  test('come again after a pause that they ask for, or before when they are asked', async () => {
    const told: Told = { begun: [], most: 0 };
    const rig = await open([chore('heal', told, { end: { againInMs: 20 * minute } })]);

    rig.daemon.requestChore('heal');
    await advance(45 * minute);
    rig.daemon.requestChore('heal');
    await advance(35 * minute);

    expect(told.begun).toEqual(['heal 10:59', 'heal 11:29', 'heal 11:44', 'heal 12:14']);
  });

  test('give way to a backup, whichever it is, and let the others go first', async () => {
    const told: Told = { begun: [], most: 0 };
    const rig = await open([chore('sweep', told), chore('drill', told)], { cron: '5 11 * * *' });

    await advance(minute);
    for (const name of ['sweep', 'drill']) rig.daemon.requestChore(name);
    await advance(40 * minute);

    expect(told.begun).toEqual(['sweep 11:00', 'drill 11:05', 'sweep 11:15']);
    expect(rig.of('drill-skipped')).toMatchObject([
      { detail: 'a backup was due; the sweep is done again after it' },
    ]);
  });
});
