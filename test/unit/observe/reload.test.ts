/** What a reload does to the metrics and the status. */
import { describe, expect, test } from 'vitest';
import { metricsObserver } from '../../../src/observe/metrics.ts';
import { sentenceOf } from '../../../src/observe/sentences.ts';
import { stateObserver } from '../../../src/observe/state.ts';
import { statusLine } from '../../../src/observe/status-line.ts';
import { backup, clockAt, dayTime, denied, sample } from './events.ts';
import { parseExposition } from './exposition.ts';

const stores = ['local', 'offsite'];

function watch() {
  const clock = clockAt('15:45:00');
  const about = { stores, version: '0.1.0', node: 'v24.0.0', processMetrics: false };
  const { observe, text } = metricsObserver({ ...about, now: clock.now });
  const families = async () => parseExposition(await text());
  const value = async (series: string): Promise<number | undefined> => {
    const family = (await families()).get(`etcd_backup_${series.replace(/\{.*/, '')}`);
    return family?.series.get(`etcd_backup_${series}`);
  };
  /** Series with the label, without its value. */
  const seriesOf = async (store: string): Promise<string[]> => {
    const all = [...(await families()).values()].flatMap(({ series }) => [...series.keys()]);
    const label = `store="${store}"`;
    return all.filter((name) => name.includes(label)).map((name) => name.replace(label, ''));
  };
  return { clock, observe, value, seriesOf };
}

const reloaded = (to: string[], moved: string[] = [], more = {}) =>
  sample('config-reloaded', { stores: to, moved, ...more });

describe('the metrics of reloads', () => {
  test('begin with the success of the start', async () => {
    const { value } = watch();

    expect(await value('config_last_reload_successful')).toBe(1);
    expect(await value('config_last_reload_success_timestamp_seconds')).toBe(
      dayTime('15:45:00').getTime() / 1000,
    );
  });

  test('tell a refusal until one is taken over, and keep the time of the last success', async () => {
    const { clock, observe, value } = watch();
    const told: unknown[] = [];
    const look = async () =>
      told.push([
        await value('config_last_reload_successful'),
        await value('config_last_reload_success_timestamp_seconds'),
      ]);

    clock.at('15:46:00');
    observe(sample('config-refused'));
    await look();
    observe(sample('config-waiting'));
    await look();
    clock.at('15:47:00');
    observe(reloaded(stores));
    await look();

    const [start, later] = ['15:45:00', '15:47:00'].map((time) => dayTime(time).getTime() / 1000);
    expect(told).toEqual([
      [0, start],
      [0, start],
      [1, later],
    ]);
  });
});

describe('the series of stores after a reload', () => {
  test('are all there for a new one, and none is left of one that is gone', async () => {
    const { observe, seriesOf } = watch();
    const complete = await seriesOf('offsite');
    observe(sample('backup-committed', { store: 'offsite' }));

    observe(reloaded(['local', 'cloud'], ['cloud']));

    expect(complete.length).toBeGreaterThan(15);
    expect(await seriesOf('cloud')).toEqual(complete);
    expect(await seriesOf('local')).toEqual(complete);
    expect(await seriesOf('offsite')).toEqual([]);
  });

  test('keep their values where the store stays, and begin anew where it moved', async () => {
    const { observe, value } = watch();
    for (const store of stores) {
      observe(sample('catalog-read', { store, newest: backup, backups: 7 }));
      observe(sample('backup-pruned', { store }));
    }

    observe(reloaded(stores, ['offsite']));

    const values = await Promise.all(
      stores.flatMap((store) => [
        value(`store_backups{store="${store}"}`),
        value(`pruned_total{store="${store}"}`),
        value(`store_up{store="${store}"}`),
      ]),
    );
    expect(values).toEqual([7, 1, 1, 0, 0, 0]);
  });

  test('do not come back with what is still told of a store that is gone', async () => {
    const { observe, seriesOf, value } = watch();
    observe(reloaded(['local']));

    observe(sample('catalog-read', { store: 'offsite' }));
    observe(sample('backup-committed', { store: 'offsite' }));
    observe(sample('backup-copied', { store: 'offsite' }));
    observe(sample('backup-not-stored', { store: 'offsite', failure: denied }));

    expect(await seriesOf('offsite')).toEqual([]);
    expect(await value('failures_total{code="store-denied"}')).toBe(1);
  });

  test('forget that a store refused backups where it lies elsewhere now', async () => {
    const { observe, value } = watch();
    observe(sample('backup-not-stored', { store: 'offsite', failure: denied }));

    observe(reloaded(stores, ['offsite']));
    observe(sample('catalog-read', { store: 'offsite' }));

    expect(await value('store_up{store="offsite"}')).toBe(1);
  });
});

describe('what is expected after a reload', () => {
  test('is no drill until one is announced anew', async () => {
    const { observe, value } = watch();
    observe(sample('next-chore-scheduled'));

    observe(reloaded(stores));

    expect(await value('next_drill_timestamp_seconds')).toBe(0);
    expect(await value('drill_expected_since_timestamp_seconds')).toBe(0);
  });

  test('stays where nothing has changed, as nothing is announced then', async () => {
    const { observe, value } = watch();
    observe(sample('next-chore-scheduled'));
    const before = await value('next_drill_timestamp_seconds');

    observe(reloaded(stores, [], { changed: [] }));

    expect(before).toBeGreaterThan(0);
    expect(await value('next_drill_timestamp_seconds')).toBe(before);
  });

  test('is every copy read within the new time', async () => {
    const { observe, value } = watch();

    observe(reloaded(stores, [], { scrubWithinMs: 90_000 }));

    expect(await value('scrub_within_seconds')).toBe(90);
  });
});

describe('the status after a reload', () => {
  function status() {
    const clock = clockAt('15:45:00');
    const state = stateObserver({ stores, now: clock.now });
    state.observe(sample('daemon-started'));
    return { clock, ...state };
  }

  test('shows the stores as configured, with what is known of those that stay', () => {
    const { observe, report } = status();
    for (const store of stores) observe(sample('catalog-read', { store, backups: 7 }));

    observe(reloaded(['cloud', 'offsite', 'local'], ['cloud', 'offsite'], { cluster: 'new' }));

    expect(report().stores.map(({ name, readable, backups }) => [name, readable, backups])).toEqual(
      [
        ['cloud', null, 0],
        ['offsite', null, 0],
        ['local', true, 7],
      ],
    );
    expect(report().cluster).toBe('new');
  });

  test('tells since when the configuration holds, what waits, and what was refused', () => {
    const { clock, observe, report } = status();
    const told = [report().config];

    clock.at('15:46:00');
    observe(sample('config-waiting'));
    told.push(report().config);
    observe(sample('config-refused'));
    told.push(report().config);
    clock.at('15:47:00');
    observe(reloaded(stores, [], { changed: [] }));
    told.push(report().config);
    observe(reloaded(stores));
    told.push(report().config);

    const [start, later] = ['15:45:00', '15:47:00'].map((time) => dayTime(time).toISOString());
    const at = dayTime('15:46:00').toISOString();
    expect(told).toMatchObject([
      { since: start, waiting: false, refused: null },
      { since: start, waiting: true, refused: null },
      { since: start, waiting: false, refused: { at, code: 'config-invalid' } },
      { since: start, waiting: false, refused: null },
      { since: later, waiting: false, refused: null },
    ]);
  });

  test('says on its one line that a configuration was refused, which is no failed backup', () => {
    const { observe, report } = status();

    observe(sample('config-refused'));

    expect(statusLine(report())).toContain('the new configuration was refused');
    expect(report().lastFailure).toBeNull();
  });
});

describe('the sentence of a reload', () => {
  const now = dayTime('15:45:00');

  test('names what has changed, and not more than a line holds', () => {
    const changed = Array.from({ length: 14 }, (_, at) => `stores[${at}].name`);

    const said = [['log.level'], changed, []].map((keys) =>
      sentenceOf(sample('config-reloaded', { changed: keys }), now),
    );

    expect(said[0]).toBe('SIGHUP: configuration reloaded, changed: log.level');
    expect(said[1]).toMatch(/changed: stores\[0\].*stores\[9\]\.name and 4 more$/);
    expect(said[2]).toBe('SIGHUP: configuration reloaded, nothing has changed');
  });

  test('tells all problems of a refused one on one line', () => {
    const said = sentenceOf(sample('config-refused'), now);

    expect(said).not.toContain('\n');
    expect(said).toContain('schedule.cron = "x" is none; stores is missing');
  });
});
