/** When the daemon acts on a slot that several daemons could act on. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Turn } from '../../../src/cluster/choose.ts';
import { Failure } from '../../../src/core/errors.ts';
import type { TurnDeps } from '../../../src/daemon/turns.ts';
import { waitFor } from '../../../src/daemon/turns.ts';
import {
  advance,
  fails,
  hour,
  minute,
  type RigOptions,
  second,
  startRig,
  succeeds,
} from './rig.ts';

afterEach(() => void vi.useRealTimers());

type DrawTurn = NonNullable<TurnDeps['drawTurn']>;

const utc = (time: string): Date => new Date(`2026-11-20T${time}Z`);

function startInLine(turn: Turn | undefined, options: Partial<RigOptions> = {}) {
  return startWith(async () => turn, options);
}

/** Just before 11:00, with two minutes for each daemon. */
function startWith(drawTurn: DrawTurn, options: Partial<RigOptions> = {}) {
  return startRig({
    at: '2026-11-20T10:59:59Z',
    ...options,
    settings: { graceMs: 2 * minute, ...options.settings },
    deps: { drawTurn, ...options.deps },
  });
}

describe('the daemon', () => {
  test('acts at once where it is first in line, and takes note of what others did', async () => {
    const rig = await startInLine({ rank: 0, of: 3 });

    await advance(2 * second);

    expect(rig.begun).toEqual(['2026-11-20T11:00:00.000Z']);
    expect(rig.orders).toMatchObject([{ trigger: 'schedule', unlessAnswered: true }]);
  });

  test('leaves the slot to those before it for as long as they have', async () => {
    const rig = await startInLine({ rank: 2, of: 3 });

    await advance(4 * minute);
    const early = rig.begun.length;
    await advance(3 * second);

    expect(early).toBe(0);
    expect(rig.orders).toMatchObject([{ slot: utc('11:00:00'), unlessAnswered: true }]);
    expect(rig.of('turn-drawn')).toEqual([
      { kind: 'turn-drawn', slot: utc('11:00:00'), rank: 2, of: 3, waitMs: 4 * minute },
    ]);
    expect(rig.of('slot-missed')).toEqual([]);
  });

  test('has its turn before the next slot, however short the schedule', async () => {
    const rig = await startInLine({ rank: 2, of: 3 }, { cron: '*/20 * * * * *' });

    await advance(minute);

    expect(rig.orders.map(({ slot }) => slot)).toEqual([
      utc('11:00:00'),
      utc('11:00:20'),
      utc('11:00:40'),
    ]);
    expect(rig.of('slot-missed')).toEqual([]);
  });

  test.each([
    ['no member of the cluster is beside it', async () => undefined],
    [
      'the cluster cannot be asked',
      async () => {
        throw new Failure('cluster-unreachable', 'no endpoint answers');
      },
    ],
  ])('acts at once where %s', async (_, drawTurn) => {
    const rig = await startWith(drawTurn);

    await advance(2 * second);

    expect(rig.begun).toEqual(['2026-11-20T11:00:00.000Z']);
  });

  test('acts where nobody tells whose turn it is', async () => {
    const rig = await startWith(() => new Promise(() => undefined));

    await advance(20 * second);

    expect(rig.orders).toMatchObject([{ slot: utc('11:00:00') }]);
  });

  test('waits for nobody where there is no grace', async () => {
    const rig = await startInLine({ rank: 2, of: 3 }, { settings: { graceMs: 0 } });

    await advance(2 * second);

    expect(rig.orders).toMatchObject([{ slot: utc('11:00:00') }]);
    expect(rig.orders[0]?.unlessAnswered).not.toBe(true);
  });

  test('takes what a person asks for at once, and for the slot that it waits with too', async () => {
    const rig = await startInLine({ rank: 2, of: 3 });

    await advance(10 * second);
    rig.daemon.request();
    await advance(10 * minute);

    expect(rig.begun).toEqual(['2026-11-20T11:00:09.001Z']);
    expect(rig.orders).toMatchObject([{ slot: utc('11:00:00') }]);
    expect(rig.orders[0]?.unlessAnswered).not.toBe(true);
  });

  test('takes note of what others did before it tries again', async () => {
    const settings = { retries: 1, retryDelayMs: 10 * second };
    const rig = await startInLine({ rank: 0, of: 3 }, { settings, script: [fails(), succeeds] });

    await advance(minute);

    expect(rig.orders).toMatchObject([
      { trigger: 'schedule', unlessAnswered: true },
      { trigger: 'retry', unlessAnswered: true },
    ]);
  });

  test('takes turns in what was missed while it was down, not in what its start asks for', async () => {
    const deps = { lastSuccess: async () => utc('08:00:00') };
    const at = '2026-11-20T10:30:00Z';
    const turn = { rank: 1, of: 3 };
    const late = await startInLine(turn, { at, deps, settings: { catchUp: true } });
    await advance(minute);
    const early = late.begun.length;
    await advance(2 * minute);
    const onStart = await startInLine(turn, { at, deps, settings: { onStart: true } });
    await advance(2 * second);

    expect(early).toBe(0);
    expect(late.orders).toMatchObject([{ trigger: 'catch-up', unlessAnswered: true }]);
    expect(onStart.orders).toMatchObject([{ trigger: 'start' }]);
    expect(onStart.orders[0]?.unlessAnswered).not.toBe(true);
  });

  test('stops at once while it waits for its turn', async () => {
    const rig = await startInLine({ rank: 2, of: 3 });

    await advance(10 * second);
    const [end] = await Promise.all([rig.daemon.drain('SIGTERM'), advance(2 * second)]);
    await advance(hour);

    expect(end).toEqual({ aborted: false });
    expect(rig.orders).toEqual([]);
  });

  test('lets a chore run while it waits for its turn', async () => {
    const ran: string[] = [];
    const chore = {
      name: 'drill',
      run: async () => {
        ran.push(new Date().toISOString());
        return {};
      },
      gaveWay: (detail: string) => ({ kind: 'scrub-gave-way', detail }) as const,
      broke: (failure: Failure) => ({ kind: 'scrub-failed', failure }) as const,
    };
    const rig = await startInLine({ rank: 1, of: 3 }, { deps: { chores: [chore] } });

    await advance(10 * second);
    rig.daemon.requestChore('drill');
    await advance(second);

    expect(ran).toEqual(['2026-11-20T11:00:09.001Z']);
  });
});

describe('the wait', () => {
  test('grows with the place in line, and leaves everybody a time before the next slot', () => {
    const waits = [0, 1, 2].map((rank) => waitFor({ rank, of: 3 }, 2 * minute, hour));
    const short = [0, 1, 2].map((rank) => waitFor({ rank, of: 3 }, 2 * minute, 20 * second));

    expect(waits).toEqual([0, 2 * minute, 4 * minute]);
    expect(short).toEqual([0, 5 * second, 10 * second]);
  });

  test('is none where the next slot has come already', () => {
    expect(waitFor({ rank: 2, of: 3 }, minute, -second)).toBe(0);
  });
});
