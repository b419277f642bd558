/** Verifications that are asked for, in a daemon whose backups come between them. */
import { afterEach, expect, test, vi } from 'vitest';
import type { BackupId } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import { Jobs } from '../../../src/daemon/jobs.ts';
import { Verifies, type VerifyOrder } from '../../../src/daemon/verifies.ts';
import { advance, minute, passes, startRig } from './rig.ts';

afterEach(() => void vi.useRealTimers());

function order(backup: string, changes: Partial<VerifyOrder> = {}): VerifyOrder {
  const id = backup as BackupId;
  return { backup: id, store: undefined, cluster: undefined, deep: false, ...changes };
}

/** Each takes ten minutes. */
async function open(fault?: Failure) {
  let noted = 0;
  const begun: string[] = [];
  const jobs = new Jobs({ now: () => new Date(), suffix: () => String(noted++).padStart(4, '0') });
  const verifies = new Verifies({
    jobs,
    verify: async ({ backup }, { signal }) => {
      begun.push(`${backup} ${new Date().toISOString().slice(11, 16)}`);
      const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
      await Promise.race([passes(10 * minute), aborted]);
      signal.throwIfAborted();
      if (fault !== undefined) throw fault;
      return { outcome: { result: 'passed' } };
    },
  });
  const deps = { chores: [verifies.chore] };
  const rig = await startRig({ at: '2026-11-20T10:00:00Z', cron: '0 0 1 1 *', deps });
  const ask = (one: VerifyOrder) => {
    rig.daemon.requestChore('verify');
    return verifies.ask(one);
  };
  const states = () => jobs.list().map(({ kind, state }) => `${kind} ${state}`);
  return { rig, jobs, ask, begun, states };
}

test('they run one after another, in the order in which they were asked for', async () => {
  const { ask, begun, states } = await open();

  ask(order('a'));
  ask(order('b'));
  await advance(5 * minute);
  ask(order('c'));
  const during = states();
  await advance(40 * minute);

  expect(during).toEqual(['verify queued', 'verify queued', 'verify running']);
  expect(begun).toEqual(['a 10:00', 'b 10:10', 'c 10:20']);
  expect(states()).toEqual(Array(3).fill('verify succeeded'));
});

test('the same one is not done twice, another store or depth is another one', async () => {
  const { ask, jobs } = await open();

  const [first, same] = [ask(order('a')), ask(order('a'))];
  ask(order('a', { deep: true }));
  ask(order('a', { store: 'local' }));

  expect(same).toMatchObject({ status: 'already-running', job: { id: first?.job.id } });
  expect(jobs.list().map(({ subject }) => subject)).toEqual([
    { backup: 'a', store: 'local', deep: false },
    { backup: 'a', store: null, deep: true },
    { backup: 'a', store: null, deep: false },
  ]);
});

test('one gives way to a backup and is done again after it, as the same job', async () => {
  const { rig, ask, begun, states } = await open();
  ask(order('a'));
  await advance(5 * minute);

  rig.daemon.request();
  await advance(1 * minute);
  await advance(20 * minute);

  expect(rig.of('verify-gave-way')).toHaveLength(1);
  expect(rig.of('run-finished')).toHaveLength(1);
  expect(begun.map((each) => each.slice(0, 1))).toEqual(['a', 'a']);
  expect(states()).toEqual(['verify succeeded']);
});

test('one that breaks is told, and does not hold up the next', async () => {
  const { rig, ask, states } = await open(new Failure('internal', 'it broke'));

  ask(order('a'));
  ask(order('b'));
  await advance(30 * minute);

  expect(states()).toEqual(['verify failed', 'verify failed']);
  expect(rig.of('verify-failed')).toHaveLength(2);
});

test('no more than twenty wait', async () => {
  const { ask, jobs } = await open();

  const asked = Array.from({ length: 22 }, (_, at) => ask(order(String(at))));

  expect(asked.map((one) => one?.status)).toEqual([
    ...Array(20).fill('accepted'),
    undefined,
    undefined,
  ]);
  expect(jobs.list()).toHaveLength(20);
});
