import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  type Notice,
  type Outlook,
  reportTo,
  type Supervisor,
} from '../../../src/daemon/supervision.ts';
import { advance, hour, lasts, minute, never, second, startRig } from './rig.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const at = '2026-11-20T10:59:00Z';

/** Keeps what it is told, with the second on the clock. */
function listener(patienceMs: number | undefined = minute) {
  const told: (Notice & { at: string })[] = [];
  const supervisor: Supervisor = {
    patienceMs,
    tell: (notice) => void told.push({ ...notice, at: new Date().toISOString().slice(11, 19) }),
  };
  return { supervisor, told, vouched: () => told.filter(({ alive }) => alive === true) };
}

const calm = (): Outlook => ({ stopping: false, status: 'fine' });

describe('a supervisor hears', () => {
  test('once that the daemon is ready, when its schedule is armed and not before', async () => {
    const { supervisor, told } = listener();
    let prepared: () => void = () => undefined;
    const prepare = () => new Promise<void>((resolve) => (prepared = resolve));

    await startRig({ at, deps: { prepare, beat: reportTo(supervisor, calm) } });
    await advance(5 * second);
    const before = told.filter(({ ready }) => ready);
    prepared();
    await advance(5 * minute);

    expect(before).toEqual([]);
    expect(told.filter(({ ready }) => ready)).toHaveLength(1);
  });

  test('a sign of life twice in the time that it waits, hour after hour', async () => {
    const { supervisor, vouched } = listener();

    await startRig({
      at,
      script: [lasts(10 * minute)],
      deps: { beat: reportTo(supervisor, calm) },
    });
    await advance(3 * hour);

    const times = vouched().map(({ at: time }) => Date.parse(`2026-11-20T${time}Z`));
    const gaps = times.slice(1).map((time, i) => time - (times[i] as number));
    expect(times.length).toBeGreaterThan(300);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(31 * second);
  });

  test('nothing more from a loop whose backup has told nothing for a quarter of an hour', async () => {
    const { supervisor, told, vouched } = listener();

    await startRig({ at, script: [never], deps: { beat: reportTo(supervisor, calm) } });
    await advance(17 * minute);
    const before = vouched().length;
    await advance(hour);

    expect(before).toBeGreaterThan(30);
    expect(vouched()).toHaveLength(before);
    expect(told.filter(({ status }) => status?.startsWith('not alive: '))).toHaveLength(1);
    expect(told.at(-1)?.status).toMatch(/^not alive: the backup has told nothing for 15m/);
  });

  test('signs of life while the daemon drains, and once that it is stopping', async () => {
    const { supervisor, told, vouched } = listener();
    let stopping = false;
    const beat = reportTo(supervisor, () => ({ stopping, status: 'fine' }));

    const rig = await startRig({ at, script: [lasts(20 * minute)], deps: { beat } });
    await advance(2 * minute);
    stopping = true;
    void rig.daemon.drain('SIGTERM');
    const before = vouched().length;
    await advance(10 * minute);

    expect(told.filter(({ stopping: said }) => said)).toHaveLength(1);
    expect(vouched().length).toBeGreaterThan(before + 15);
  });

  test('no sign of life that it did not ask for, and a status only when it has changed', async () => {
    const { supervisor, told } = listener();
    let status = 'one';
    const silent = { ...supervisor, patienceMs: undefined };
    const beat = reportTo(silent, () => ({ stopping: false, status }));

    await startRig({ at, deps: { beat } });
    await advance(10 * minute);
    status = 'two';
    await advance(10 * minute);

    expect(told.map(({ status: said, alive }) => ({ said, alive }))).toEqual([
      { said: 'one', alive: undefined },
      { said: 'two', alive: undefined },
    ]);
  });
});
