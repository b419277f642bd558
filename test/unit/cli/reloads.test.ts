import { describe, expect, test } from 'vitest';
import { Reloads, type ReloadsDeps } from '../../../src/cli/reloads.ts';
import type { LoadedConfig } from '../../../src/config/load.ts';
import { Failure } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/events.ts';
import type { Change, Duties } from '../../../src/daemon/daemon.ts';
import { leastYaml, load } from '../config/loading.ts';

const configured = (more = ''): LoadedConfig => load({ yaml: `${leastYaml}${more}` });
const daily = 'schedule: { cron: "30 6 * * *" }\n';
const wrong = new Failure('config-invalid', '1 problem in the configuration');

/** A daemon that takes changes over between two jobs, when the test says so. */
function reloading(changes: Partial<ReloadsDeps> = {}) {
  const events: Event[] = [];
  const taken: LoadedConfig[] = [];
  let now = configured();
  let waiting: Change | undefined;
  let isIdle = true;
  const pause = (): void => {
    waiting?.();
    waiting = undefined;
  };
  const file = { holds: (): LoadedConfig => configured() };
  const reloads = new Reloads({
    load: async () => file.holds(),
    current: () => now,
    daemon: {
      follow: (change) => {
        waiting = change;
        if (isIdle) queueMicrotask(pause);
      },
    },
    takeOver: (loaded) => {
      now = loaded;
      taken.push(loaded);
      return {} as Duties;
    },
    observe: (event) => void events.push(event),
    applyMs: 50,
    ...changes,
  });
  const busy = (): void => {
    isIdle = false;
  };
  const told = () => events.map(({ kind }) => kind);
  return { reloads, file, events, told, taken, busy, pause };
}

describe('a reload', () => {
  test('is applied at once by a daemon that does nothing', async () => {
    const { reloads, file, events, taken } = reloading();
    file.holds = () => configured(daily);

    const answer = await reloads.ask('SIGHUP');

    expect(answer).toEqual({ status: 'applied', changed: ['schedule.cron'] });
    expect(taken.map(({ config }) => config.schedule.cron)).toEqual(['30 6 * * *']);
    expect(events).toEqual([
      {
        kind: 'config-reloaded',
        by: 'SIGHUP',
        changed: ['schedule.cron'],
        cluster: 'prod',
        stores: ['local'],
        moved: [],
        targets: [],
        scrubWithinMs: expect.any(Number),
      },
    ]);
  });

  test('of the same configuration changes nothing, and is a success', async () => {
    const { reloads, events, taken } = reloading();

    const answer = await reloads.ask('SIGHUP');

    expect(answer).toEqual({ status: 'unchanged', changed: [] });
    expect(taken).toEqual([]);
    expect(events).toMatchObject([{ kind: 'config-reloaded', changed: [] }]);
  });

  test('of a wrong configuration is refused and told', async () => {
    const { reloads, file, events, taken } = reloading();
    file.holds = () => {
      throw wrong;
    };

    await expect(reloads.ask('admin API')).rejects.toBe(wrong);

    expect(taken).toEqual([]);
    expect(events).toEqual([{ kind: 'config-refused', by: 'admin API', failure: wrong }]);
  });

  test('with a setting that takes a restart is refused as a whole', async () => {
    const { reloads, file, taken } = reloading();
    file.holds = () => configured(`${daily}http: { listen: "127.0.0.1:9999" }\n`);

    const asked = reloads.ask('SIGHUP');

    await expect(asked).rejects.toThrow(/http\.listen = "127\.0\.0\.1:9999"\n.* restart the/);
    expect(taken).toEqual([]);
  });

  test('waits where something runs, and says so', async () => {
    const { reloads, file, told, taken, busy, pause } = reloading();
    busy();
    file.holds = () => configured(daily);

    const answer = await reloads.ask('SIGHUP');
    const before = [...taken];
    pause();

    expect(answer).toEqual({ status: 'waiting', changed: ['schedule.cron'] });
    expect(before).toEqual([]);
    expect(taken).toHaveLength(1);
    expect(told()).toEqual(['config-waiting', 'config-reloaded']);
  });

  test('that waits is called off by a later one that is refused', async () => {
    const { reloads, file, told, taken, busy, pause } = reloading();
    busy();
    file.holds = () => configured(daily);
    const first = reloads.ask('SIGHUP');
    await Promise.resolve();
    file.holds = () => {
      throw wrong;
    };

    await new Promise((resolve) => setTimeout(resolve, 5));
    await expect(reloads.ask('SIGHUP')).rejects.toBe(wrong);
    await first;
    pause();

    expect(taken).toEqual([]);
    expect(told()).toEqual(['config-refused']);
  });

  test('that waits is called off by the old configuration', async () => {
    const { reloads, file, told, taken, busy, pause } = reloading();
    busy();
    file.holds = () => configured(daily);
    await reloads.ask('SIGHUP');
    file.holds = () => configured();

    const answer = await reloads.ask('SIGHUP');
    pause();

    expect(answer.status).toBe('unchanged');
    expect(taken).toEqual([]);
    expect(told()).toEqual(['config-waiting', 'config-reloaded']);
  });

  test('answers all that come before the file is read', async () => {
    let reads = 0;
    const read = Promise.withResolvers<LoadedConfig>();
    const { reloads, told } = reloading({
      load: () => {
        reads += 1;
        return read.promise;
      },
    });

    const asked = Array.from({ length: 100 }, () => reloads.ask('SIGHUP'));
    read.resolve(configured(daily));
    const answers = await Promise.all(asked);
    await reloads.ask('SIGHUP');

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['applied']));
    expect(reads).toBe(2);
    expect(told()).toEqual(['config-reloaded', 'config-reloaded']);
  });

  test('that breaks while it is taken over is refused, and the old one goes on', async () => {
    const broken = new Failure('internal', 'a house without a door');
    const { reloads, file, events } = reloading({
      takeOver: () => {
        throw broken;
      },
    });
    file.holds = () => configured(daily);

    await expect(reloads.ask('SIGHUP')).rejects.toBe(broken);

    expect(events).toEqual([{ kind: 'config-refused', by: 'SIGHUP', failure: broken }]);
  });

  test.each([
    ['good', () => configured(daily)],
    ['wrong', () => Promise.reject(wrong)],
  ])('of a %s file during a stop is no refusal', async (_, holds) => {
    const stopped = new Failure('stopped', 'the daemon is stopping');
    const { reloads, events } = reloading({
      load: async () => holds(),
      daemon: {
        follow: () => {
          throw stopped;
        },
      },
    });

    await expect(reloads.ask('SIGHUP')).rejects.toBe(stopped);

    expect(events).toEqual([]);
  });
});
