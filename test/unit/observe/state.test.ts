import { describe, expect, test } from 'vitest';
import { stateObserver } from '../../../src/observe/state.ts';
import { clockAt, denied, everyEvent, id, olderId, sample, stalled } from './events.ts';

function watch() {
  const clock = clockAt('15:45:00');
  return { clock, ...stateObserver({ stores: ['local', 'offsite'], now: clock.now }) };
}

describe('the status', () => {
  test('knows nothing before anything has happened, and says so', () => {
    const { report } = watch();

    expect(report()).toMatchObject({
      state: 'starting',
      run: null,
      lastRun: null,
      lastFailure: null,
      stores: [
        { name: 'local', readable: null, newest: null },
        { name: 'offsite', readable: null, newest: null },
      ],
    });
  });

  test('tells how many backups each store lacks, also while it cannot be compared', () => {
    const { observe, report } = watch();
    const missing = () => report().stores.map((store) => store.missing);
    const run = (result: 'partial' | 'failure') => {
      observe(sample('run-started'));
      observe(sample('backup-not-stored', { store: 'offsite' }));
      observe(sample('run-finished', { result }));
      told.push(missing());
    };
    const told = [missing()];

    run('failure');
    run('partial');
    observe(sample('heal-started', { missing: { local: 0, offsite: 3, other: 7 } }));
    told.push(missing());
    run('partial');
    observe(sample('heal-finished', { missing: { local: 0 } }));
    told.push(missing());

    expect(told).toEqual([
      [null, null],
      [null, null],
      [null, 1],
      [0, 3],
      [0, 4],
      [0, 4],
    ]);
  });

  test('follows the daemon from its start to its end', () => {
    const { observe, report } = watch();
    const states = (['daemon-started', 'daemon-draining', 'daemon-stopped'] as const).map(
      (kind) => {
        observe(sample(kind));
        return report().state;
      },
    );

    expect(states).toEqual(['running', 'draining', 'stopped']);
    expect(report()).toMatchObject({ version: '0.1.0', cluster: 'prod' });
  });

  test('shows the run in progress with its step, member and bytes', () => {
    const { observe, report } = watch();

    observe(sample('run-started', { attempt: 2 }));
    observe(sample('step-finished', { step: 'choose' }));
    observe(sample('member-chosen'));
    observe(sample('step-advanced'));

    expect(report().run).toEqual({
      trigger: 'schedule',
      slot: '2026-11-20T15:45:00.000Z',
      attempt: 2,
      startedAt: '2026-11-20T15:45:00.000Z',
      step: 'drain',
      doneBytes: 644_245_094,
      totalBytes: 1_288_490_189,
      member: { id: '000000000000002a', name: 'm2', role: 'follower' },
    });
  });

  test('goes on to the next step when one has finished', () => {
    const { observe, report } = watch();
    observe(sample('run-started'));
    observe(sample('member-chosen'));
    observe(sample('step-advanced'));

    observe(sample('step-finished', { step: 'drain' }));

    expect(report().run).toMatchObject({ step: 'prove', doneBytes: 0, totalBytes: 0 });
  });

  test('begins again at the drain when another member is asked', () => {
    const { observe, report } = watch();
    observe(sample('run-started'));
    observe(sample('step-advanced', { step: 'prove' }));

    observe(sample('member-chosen', { name: 'm3' }));

    expect(report().run).toMatchObject({ step: 'drain', doneBytes: 0, member: { name: 'm3' } });
  });

  test('keeps the last run and what it came to', () => {
    const { clock, observe, report } = watch();
    observe(sample('run-started'));
    clock.at('15:45:53');

    observe(sample('run-finished'));

    expect(report().run).toBeNull();
    expect(report().lastRun).toEqual({
      result: 'success',
      id,
      trigger: 'schedule',
      startedAt: '2026-11-20T15:45:00.000Z',
      finishedAt: '2026-11-20T15:45:53.000Z',
      tookMs: 53_000,
    });
    expect(report().runs).toMatchObject({ success: 1, failure: 0 });
  });

  test('names the backup that is still current when nothing has changed', () => {
    const { observe, report } = watch();

    observe(sample('run-started'));
    observe(sample('run-skipped'));
    observe(sample('run-finished', { result: 'unchanged', id: olderId }));

    expect(report().lastRun).toMatchObject({ result: 'unchanged', id: olderId });
    expect(report().runs.unchanged).toBe(1);
  });

  test('keeps the last failure with what to do about it', () => {
    const { observe, report } = watch();

    observe(sample('run-started'));
    observe(sample('run-failed'));
    observe(sample('retry-scheduled'));

    expect(report()).toMatchObject({
      consecutiveFailures: 1,
      lastFailure: { code: 'stream-stalled', message: stalled.message, hint: stalled.hint },
      retry: { at: '2026-11-20T15:46:30.000Z', attempt: 2, attempts: 5 },
    });
  });

  test('knows that failures are over when another daemon answered the next due time', () => {
    const { observe, report } = watch();
    const answered = (attempt: number) => {
      observe(sample('run-started', { attempt }));
      observe(sample('run-finished', { result: 'answered' }));
    };
    observe(sample('run-started'));
    observe(sample('run-failed'));

    answered(2);
    const row = report().consecutiveFailures;
    answered(1);

    expect(row).toBe(1);
    expect(report()).toMatchObject({ consecutiveFailures: 0, lastRun: { result: 'answered' } });
  });

  test.each(['run-started', 'retries-ended', 'daemon-draining'] as const)(
    'plans no retry after %s',
    (kind) => {
      const { observe, report } = watch();
      observe(sample('retry-scheduled'));

      observe(sample(kind));

      expect(report().retry).toBeNull();
    },
  );

  test('takes no failed call of the admin API for a failed backup', () => {
    const { observe, report } = watch();

    observe(sample('call-failed'));

    expect(report().lastFailure).toBeNull();
  });

  test('shows what each store holds, and which cannot be read', () => {
    const { observe, report } = watch();

    observe(sample('catalog-read'));
    observe(sample('catalog-unreadable'));

    const [local, offsite] = report().stores;
    expect(local).toMatchObject({ readable: true, backups: 7, newest: { id, revision: '55919' } });
    expect(local).toMatchObject({ damaged: 1, oldestReadAt: '2026-11-20T02:17:00.000Z' });
    expect(offsite).toMatchObject({ readable: false, failure: { message: denied.message } });
  });

  test('shows how the last scrub ended, and when', () => {
    const { observe, report } = watch();
    expect(report().lastScrub).toBeNull();

    observe(sample('scrub-finished'));

    const finishedAt = report().now;
    expect(report().lastScrub).toMatchObject({ finishedAt, result: 'damaged', repaired: 2 });
  });

  test('shows a backup as newest only when it is proved', () => {
    const { observe, report } = watch();

    observe(sample('backup-committed', { store: 'offsite', proved: false }));
    observe(sample('backup-committed', { store: 'local', proved: true }));

    expect(report().stores.map(({ newest }) => newest?.id ?? null)).toEqual([id, null]);
  });

  test('is plain JSON whatever has happened', () => {
    const { observe, report } = watch();

    for (const event of everyEvent) observe(event);

    expect(JSON.parse(JSON.stringify(report()))).toEqual(report());
  });

  test('given away earlier does not change', () => {
    const { observe, report } = watch();
    const earlier = report();
    const text = JSON.stringify(earlier);

    for (const event of everyEvent) observe(event);

    expect(JSON.stringify(earlier)).toBe(text);
  });
});
