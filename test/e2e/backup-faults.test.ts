import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { cluster, type TestCluster } from '../support/etcd.ts';
import { type Workplace, worker, workplace } from '../support/house.ts';
import { fill } from '../support/workload.ts';

/** Enough that a stream is still under way when its first megabyte is in the spool. */
const databaseBytes = 96 * 1024 * 1024;

function serverOf(etcd: TestCluster, name: string) {
  const found = etcd.members.find((member) => member.name === name);
  if (found === undefined) throw new Error(`no member ${name}`);
  return found;
}

/** Calls `strike` once, when the first bytes of a snapshot are in the spool. */
function midStream(strike: (source: string) => void): (event: Event) => void {
  let source = '';
  let struck = false;
  return (event) => {
    if (event.kind === 'member-chosen') source = event.name;
    if (event.kind !== 'step-advanced' || struck) return;
    struck = true;
    strike(source);
  };
}

function isClean(place: Workplace, backups: number): void {
  expect(readdirSync(place.spoolDir)).toEqual([]);
  const files = readdirSync(place.storeDir, { recursive: true }).map(String);
  expect(files.filter((name) => name.endsWith('.json'))).toHaveLength(backups);
  expect(files.filter((name) => name.endsWith('.db'))).toHaveLength(backups);
}

describe('a backup under faults of the cluster', () => {
  test('is not disturbed when the leader dies during the stream', async () => {
    await using etcd = await cluster('3.5', { members: 3 });
    await fill(etcd, { bytes: databaseBytes });
    using place = workplace(etcd);
    let killed = '';
    await using engine = worker(
      place,
      midStream((source) => {
        killed = leader;
        expect(source).not.toBe(leader);
        void serverOf(etcd, leader).kill('SIGKILL');
      }),
    );
    const { members } = await engine.deps.cluster.survey({ signal: new AbortController().signal });
    const led = members.find(({ id, status }) => 'leader' in status && status.leader === id);
    const leader = led?.name ?? '';

    const { result } = await engine.backup();

    expect(killed).toBe(leader);
    expect(result).toBe('success');
    expect(engine.of('source-failed')).toEqual([]);
    isClean(place, 1);
  });

  test('goes to another member when its source is killed during the stream', async () => {
    await using etcd = await cluster('3.5', { members: 3 });
    await fill(etcd, { bytes: databaseBytes });
    using place = workplace(etcd);
    const strike = (source: string): void => void serverOf(etcd, source).kill('SIGKILL');
    await using engine = worker(place, midStream(strike));

    const { result } = await engine.backup();

    expect(result).toBe('success');
    const [failed, ...more] = engine.of('source-failed');
    expect(more).toEqual([]);
    expect(['stream-broken', 'cluster-unreachable']).toContain(failed?.failure.code);
    const [first, second] = engine.of('member-chosen');
    expect(second?.name).not.toBe(first?.name);
    isClean(place, 1);
  });

  test('goes to another member when its source freezes during the stream', async () => {
    await using etcd = await cluster('3.5', { members: 3 });
    await fill(etcd, { bytes: databaseBytes });
    using place = workplace(etcd);
    place.settings['source.stallTimeout'] = '3s';
    const strike = (source: string): void => serverOf(etcd, source).pause();
    await using engine = worker(place, midStream(strike));

    const { result } = await engine.backup();

    expect(result).toBe('success');
    expect(engine.of('source-failed').map(({ failure }) => failure.code)).toEqual([
      'stream-stalled',
    ]);
    isClean(place, 1);
  });

  test('fails with the reason, and lists nothing, when the only member dies', async () => {
    await using etcd = await cluster('3.5');
    await fill(etcd, { bytes: databaseBytes });
    using place = workplace(etcd);
    const strike = (source: string): void => void serverOf(etcd, source).kill('SIGKILL');
    await using engine = worker(place, midStream(strike));

    await expect(engine.backup()).rejects.toMatchObject({ retryable: true });

    isClean(place, 0);
  });

  test('stops at once when it is aborted, and leaves nothing', async () => {
    await using etcd = await cluster('3.5');
    await fill(etcd, { bytes: databaseBytes });
    using place = workplace(etcd);
    const stop = new AbortController();
    const reason = new Error('asked to stop');
    await using engine = worker(
      place,
      midStream(() => stop.abort(reason)),
    );

    await expect(engine.backup({ signal: stop.signal })).rejects.toBe(reason);

    isClean(place, 0);
  });

  test('is taken from the one member that is left, without a quorum', async () => {
    await using etcd = await cluster('3.5', { members: 3 });
    await fill(etcd, { bytes: 4 * 1024 * 1024 });
    using place = workplace(etcd);
    place.settings['cluster.requestTimeout'] = '2s';
    await etcd.members[0]?.kill('SIGKILL');
    await etcd.members[1]?.kill('SIGKILL');
    await using engine = worker(place);

    const { result } = await engine.backup();

    expect(result).toBe('success');
    expect(engine.of('member-chosen')[0]?.name).toBe('m3');
    const agreed = engine.of('proof-finished').find(({ proof }) => proof === 'agreed');
    expect(agreed?.outcome).toBe('inconclusive');
  });

  test('never comes from a learner', async () => {
    await using etcd = await cluster('3.5');
    await etcd.addMember('learner', { learner: true });
    using place = workplace(etcd);
    await using engine = worker(place);

    await engine.backup();

    expect(engine.of('member-chosen').map(({ name, role }) => [name, role])).toEqual([
      ['m1', 'leader'],
    ]);
  });
});
