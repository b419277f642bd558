import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/events.ts';
import { Jobs } from '../../../src/daemon/jobs.ts';

const { signal } = new AbortController();
const whole = { outcome: { result: 'success' } };

/** Time passes by a minute at each look at the clock. */
function book() {
  let looks = 0;
  let noted = 0;
  const told: Event[] = [];
  const jobs = new Jobs({
    now: () => new Date(Date.UTC(2026, 10, 20, 16, looks++)),
    suffix: () => String(noted++).padStart(4, '0'),
  });
  const observe = (event: Event): void => void told.push(event);
  return { jobs, told, options: { signal, observe } };
}

describe('a job', () => {
  test('waits, runs and ends under the id that was given to whoever asked', async () => {
    const { jobs, options } = book();
    const { status, job } = jobs.ask('backup', () => 'accepted');
    const states = [jobs.find(job.id)?.state];
    const work = jobs.follow(
      'backup',
      async () => void states.push(jobs.find(job.id)?.state),
      () => whole,
    );

    await work(options);

    expect([status, ...states]).toEqual(['accepted', 'queued', 'running']);
    expect(job.id).toBe('20261120T160100Z-0000');
    expect(jobs.list()).toEqual([
      {
        ...job,
        state: 'succeeded',
        startedAt: new Date('2026-11-20T16:02:00Z'),
        endedAt: new Date('2026-11-20T16:03:00Z'),
        outcome: { result: 'success' },
      },
    ]);
  });

  test('is noted too where nobody asked', async () => {
    const { jobs, options } = book();

    await jobs.follow(
      'scrub',
      async () => undefined,
      () => whole,
    )(options);

    expect(jobs.list()).toMatchObject([{ kind: 'scrub', state: 'succeeded', askedAt: null }]);
  });

  test('shows its step and its bytes, and passes on what it is told', async () => {
    const { jobs, told, options } = book();
    const { job } = jobs.ask('backup', () => 'accepted');
    let shown: unknown;
    const work = jobs.follow(
      'backup',
      async ({ observe }) => {
        observe({ kind: 'step-advanced', step: 'drain', doneBytes: 5, totalBytes: 10 });
        shown = jobs.find(job.id);
      },
      () => whole,
    );

    await work(options);

    expect(shown).toMatchObject({ step: 'drain', progress: { doneBytes: 5, totalBytes: 10 } });
    expect(told).toHaveLength(1);
  });

  test('has failed where not all came of it, and tells both', async () => {
    const { jobs, options } = book();
    const failure = new Failure('store-denied', 'offsite refused it');
    const outcome = { result: 'partial' };

    await jobs.follow(
      'backup',
      async () => undefined,
      () => ({ outcome, failure }),
    )(options);

    expect(jobs.list()).toMatchObject([{ state: 'failed', outcome, failure }]);
  });

  test('has failed where it broke, and whoever waits for the work is told as before', async () => {
    const { jobs, options } = book();
    const failure = new Failure('no-source', 'no member');
    const work = jobs.follow(
      'backup',
      () => Promise.reject(failure),
      () => whole,
    );

    await expect(work(options)).rejects.toBe(failure);

    expect(jobs.list()).toMatchObject([{ state: 'failed', outcome: null, failure }]);
  });

  test('waits again where it gave way, and ends where the daemon stops', async () => {
    const { jobs, options } = book();
    const { job } = jobs.ask('heal', () => 'accepted');
    const work = jobs.follow(
      'heal',
      ({ signal }) => Promise.reject(signal.reason),
      () => whole,
    );
    const stop = AbortSignal.abort(new Failure('stopped', 'the daemon is stopping'));

    await expect(work({ ...options, signal: AbortSignal.abort() })).rejects.toThrow();
    const between = jobs.find(job.id);
    await expect(work({ ...options, signal: stop })).rejects.toThrow();

    expect(between).toMatchObject({ state: 'queued', startedAt: null, endedAt: null });
    expect(jobs.list()).toMatchObject([
      { id: job.id, state: 'failed', failure: { code: 'stopped' } },
    ]);
  });
});

describe('asking', () => {
  test('for what waits already gives the same job', () => {
    const { jobs } = book();

    const first = jobs.ask('drill', () => 'accepted');
    const second = jobs.ask('drill', () => 'already-queued');

    expect(second).toEqual({ status: 'already-running', job: first.job });
  });

  test('for what runs gives the job that runs', async () => {
    const { jobs, options } = book();
    let second: unknown;
    const work = jobs.follow(
      'drill',
      async () => {
        second = jobs.ask('drill', () => 'already-queued').job.state;
      },
      () => whole,
    );

    await work(options);

    expect([second, jobs.list().length]).toEqual(['running', 1]);
  });

  test('notes nothing where the daemon takes nothing', () => {
    const { jobs } = book();
    const stopped = new Failure('stopped', 'the daemon is stopping');

    const ask = () =>
      jobs.ask('backup', () => {
        throw stopped;
      });

    expect(ask).toThrow(stopped);
    expect(jobs.list()).toEqual([]);
  });
});

test('a hundred jobs are remembered, and none is forgotten that has not ended', async () => {
  const { jobs, options } = book();
  const waiting = jobs.queue('verify').id;

  for (let done = 0; done < 300; done += 1) {
    await jobs.follow(
      'scrub',
      async () => undefined,
      () => whole,
    )(options);
  }

  expect(jobs.list()).toHaveLength(100);
  expect(jobs.find(waiting)?.state).toBe('queued');
});
