/**
 * What every cluster behind the port must do: one suite, run against the fake one and against real
 * etcd. What is only read is one shared cluster; whoever breaks a cluster has one of its own.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Revision } from '../../src/core/backup.ts';
import { Failure } from '../../src/core/errors.ts';
import { callContract } from './cluster-calls.ts';
import {
  answered,
  type ContractCluster,
  firstOf,
  type MakeCluster,
  signal,
} from './cluster-members.ts';
import { hashContract, snapshotContract } from './cluster-streams.ts';

export function clusterContract(name: string, make: MakeCluster): void {
  // At once, because most of the time is spent waiting for members that are down.
  describe.concurrent(`cluster ${name}`, () => {
    let cluster: ContractCluster;
    const shared = () => cluster;
    beforeAll(async () => {
      cluster = await make(3);
      for (const at of [1, 2, 3]) await cluster.put('/a', `value ${at}`);
      await cluster.put('/b', 'other');
      await cluster.remove('/b');
    });
    afterAll(() => cluster[Symbol.asyncDispose]());

    describe('survey', () => surveyContract(shared, make));
    describe('confirmed revision', () => revisionContract(shared, make));
    describe('snapshot', () => snapshotContract(shared));
    describe('content hash', () => hashContract(shared, make));
    describe('every call', () => callContract(shared, make));
  });
}

function surveyContract(shared: () => ContractCluster, make: MakeCluster): void {
  test('tells every member with its identity, its URLs and one leader', async () => {
    const { clusterId, members, alarms } = await shared().port.survey({ signal });

    expect(clusterId).toMatch(/^[0-9a-f]{16}$/);
    expect(members.map(({ name }) => name).sort()).toEqual(['m1', 'm2', 'm3']);
    expect(new Set(members.map(({ id }) => id)).size).toBe(3);
    expect(alarms).toEqual([]);
    const leaders = new Set<unknown>();
    for (const { id, clientUrls, peerUrls, endpoint, learner, status } of members) {
      expect(id).toMatch(/^[0-9a-f]{16}$/);
      expect([clientUrls.length, peerUrls.length, learner]).toEqual([1, 1, false]);
      expect(clientUrls).toContain(endpoint);
      leaders.add('leader' in status && status.leader);
    }
    expect([...leaders]).toEqual([expect.toSatisfy((id) => members.some((one) => one.id === id))]);
  });

  test('tells what each member says of itself', async () => {
    const confirmed = await shared().port.confirmedRevision(await firstOf(shared()), { signal });

    for (const { status } of await answered(shared())) {
      expect(status.serverVersion).toMatch(/^3\.\d+\.\d+$/);
      expect(status.databaseBytes % 512).toBe(0);
      expect(status.databaseBytes).toBeGreaterThanOrEqual(status.inUseBytes);
      expect(status.inUseBytes).toBeGreaterThan(0);
      expect(status.raftIndex).toBeGreaterThanOrEqual(status.appliedIndex);
      expect(status.appliedIndex).toBeGreaterThan(0n);
      expect(status.raftTerm).toBeGreaterThan(0n);
      expect(status.revision).toBeLessThanOrEqual(confirmed);
    }
  });

  test('tells the same cluster every time, and another cluster apart', async () => {
    await using other = await make(1);

    const ids = await Promise.all(
      [shared(), shared(), other].map(
        async ({ port }) => (await port.survey({ signal })).clusterId,
      ),
    );

    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  test('tells a learner as one', async () => {
    await using cluster = await make(1);
    await cluster.addLearner('late');

    const members = await answered(cluster);

    expect(members.map(({ name, learner }) => [name, learner]).sort()).toEqual([
      ['late', true],
      ['m1', false],
    ]);
  });

  test('tells of a dead member why it did not answer, and of the others all', async () => {
    await using cluster = await make(3);
    await cluster.stop('m2');

    const { members, alarms } = await cluster.port.survey({ signal });

    const failed = members.filter(({ status }) => status instanceof Failure);
    expect(failed).toMatchObject([{ name: 'm2', status: { code: 'cluster-unreachable' } }]);
    expect(failed[0]?.clientUrls).toContain(failed[0]?.endpoint);
    expect(alarms).toEqual([]);
  });

  test('tells alarms as unknown without a quorum, and nothing at all without a member', async () => {
    await using cluster = await make(3);
    for (const name of ['m2', 'm3']) await cluster.stop(name);

    const { members, alarms } = await cluster.port.survey({ signal });
    await cluster.stop('m1');

    expect(members.filter(({ status }) => !(status instanceof Failure))).toHaveLength(1);
    expect(alarms).toBeInstanceOf(Failure);
    await expect(cluster.port.survey({ signal })).rejects.toMatchObject({
      code: 'cluster-unreachable',
    });
  });
}

function revisionContract(shared: () => ContractCluster, make: MakeCluster): void {
  test('is the same through every member, and that member has applied it', async () => {
    const members = await answered(shared());

    const told = [];
    for (const one of members) told.push(await shared().port.confirmedRevision(one, { signal }));

    expect(new Set(told).size).toBe(1);
    for (const { status } of await answered(shared())) {
      expect(status.revision).toBeGreaterThanOrEqual(told[0] as Revision);
    }
  });

  test('goes up by one with every write, deletions included', async () => {
    await using cluster = await make(1);
    const member = await firstOf(cluster);
    const before = await cluster.port.confirmedRevision(member, { signal });

    await cluster.put('/a', '1');
    await cluster.put('/a', '1');
    await cluster.remove('/a');

    expect(await cluster.port.confirmedRevision(member, { signal })).toBe(before + 3n);
    expect(before).toBe(1n);
  });

  test('cannot be told without a quorum', async () => {
    await using cluster = await make(3);
    const member = await firstOf(cluster);
    for (const name of ['m1', 'm2', 'm3']) if (name !== member.name) await cluster.stop(name);

    await expect(cluster.port.confirmedRevision(member, { signal })).rejects.toMatchObject({
      code: 'cluster-unreachable',
    });
  });
}
