import { expect, test } from 'vitest';
import { type StatusReport, stateObserver } from '../../../src/observe/state.ts';
import { statusLine } from '../../../src/observe/status-line.ts';

const now = () => new Date('2026-11-20T16:00:00.500Z');
const fresh = stateObserver({ stores: ['local'], now }).report();
const id = '20261120T154500Z-r00000000000055919-abcd';
const calm: StatusReport = {
  ...fresh,
  state: 'running',
  nextRun: { at: '2026-11-20T17:00:00.000Z', reason: 'schedule' },
  lastRun: {
    result: 'success',
    id,
    trigger: 'schedule',
    startedAt: '2026-11-20T15:45:00.000Z',
    finishedAt: '2026-11-20T15:46:02.017Z',
    tookMs: 62_017,
  },
};

test('the status line tells the start, the next backup and the last', () => {
  expect(statusLine(fresh)).toBe('starting');
  expect(statusLine({ ...calm, lastRun: null })).toBe('next backup 2026-11-20T17:00:00Z');
  expect(statusLine(calm)).toBe(
    `next backup 2026-11-20T17:00:00Z; last success 2026-11-20T15:46:02Z, backup ${id}`,
  );
});

test('the status line tells a run by its step, and the next try before the next due time', () => {
  const run = { step: 'drain' } as StatusReport['run'];
  const retry = { at: '2026-11-20T16:01:00.000Z', attempt: 2, attempts: 6 };

  expect(statusLine({ ...calm, run, lastRun: null })).toBe('backup running (drain)');
  expect(statusLine({ ...calm, run, lastRun: null, state: 'draining' })).toBe(
    'backup running (drain), draining',
  );
  expect(statusLine({ ...calm, retry, lastRun: null })).toBe('next backup 2026-11-20T16:01:00Z');
});

test('the status line tells failures by their code and stores that cannot be read', () => {
  const lastFailure = { code: 'no-source' } as StatusReport['lastFailure'];
  const stores = fresh.stores.map((store) => ({ ...store, readable: false }));

  const line = statusLine({ ...calm, lastRun: null, consecutiveFailures: 3, lastFailure, stores });

  expect(line).toMatch(/; 3 failed in a row \(no-source\); cannot read store local$/);
});
