/** What a daemon clears and remembers before its first run. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clusterId } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import { identifyCluster, knownClusters } from '../../../src/engine/identify.ts';
import { lastSuccess, prepare, sweepSpool } from '../../../src/engine/prepare.ts';
import { hourMs, openWorkshop, signal, type Workshop } from './workshop.ts';

const noAnswer = new Failure('store-failed', 'the store does not answer');
const stranger = clusterId('00000000000000aa');

function silence(work: Workshop): void {
  for (const member of work.cluster.members) member.down = true;
}

/** Of a process that has ended. */
function leftover(work: Workshop): string {
  const { pid } = spawnSync('true');
  const name = `snapshot-${pid}-1-1.part`;
  mkdirSync(work.spoolDir, { recursive: true });
  writeFileSync(join(work.spoolDir, name), 'half a snapshot');
  return name;
}

describe.concurrent('sweeping the spool', () => {
  test('removes what a dead process left, keeps the rest, and tells the names', async () => {
    await using work = openWorkshop();
    const dead = leftover(work);
    await using living = await work.deps.spool.create(0);
    writeFileSync(join(work.spoolDir, 'notes.txt'), 'not ours');

    await sweepSpool(work.deps);

    const names = work.spooled();
    expect(names).not.toContain(dead);
    expect(names).toContain('notes.txt');
    expect(readFileSync(living.path)).toHaveLength(0);
    expect(work.events).toEqual([{ kind: 'spool-swept', files: [dead] }]);
  });

  test('tells nothing where there is nothing, also no folder', async () => {
    await using work = openWorkshop();

    await sweepSpool(work.deps);

    expect(work.events).toEqual([]);
  });

  test('comes before the stores are read', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    await work.place();
    leftover(work);

    await prepare(work.deps, signal);

    expect(work.events.map(({ kind }) => kind)).toEqual([
      'spool-swept',
      'alarms-read',
      'catalog-read',
    ]);
  });
});

describe.concurrent('alarms of the cluster', () => {
  test('are told at the start and by each run', async () => {
    await using work = openWorkshop();
    const { id } = work.cluster.member('m2');
    work.cluster.alarms = [{ member: id, kind: 'NOSPACE' }];

    await prepare(work.deps, signal);
    work.cluster.alarms = [];
    await work.backup();

    const told = work.events.filter(({ kind }) => kind === 'alarms-read');
    expect(told).toEqual([
      { kind: 'alarms-read', alarms: [{ member: id, kind: 'NOSPACE' }] },
      { kind: 'alarms-read', alarms: [] },
    ]);
  });

  test('are not told to be gone where no voter could be asked', async () => {
    await using work = openWorkshop();
    const silent = new Failure('cluster-unreachable', 'no voter answers');
    const survey = work.deps.cluster.survey.bind(work.deps.cluster);
    const cluster = Object.create(work.deps.cluster, {
      survey: {
        value: async (options: { signal: AbortSignal }) => {
          return { ...(await survey(options)), alarms: silent };
        },
      },
    });

    await prepare({ ...work.deps, cluster }, signal);

    expect(work.events.map(({ kind }) => kind)).not.toContain('alarms-read');
    expect(work.events.map(({ kind }) => kind)).toContain('catalog-read');
  });
});

describe.concurrent('the cluster is known', () => {
  test('by what it says itself, whatever the stores hold', async () => {
    await using work = openWorkshop();
    await work.place({ cluster: { id: stranger, name: 'test' } }, stranger);

    expect(await identifyCluster(work.deps, signal)).toBe(work.cluster.id);
  });

  test('by the newest backup of its name while it is silent', async () => {
    await using work = openWorkshop();
    await work.place({ cluster: { id: stranger, name: 'test' } }, stranger);
    work.pass(hourMs);
    await work.place();
    work.pass(hourMs);
    const other = clusterId('00000000000000bb');
    await work.place({ cluster: { id: other, name: 'other' } }, other);
    silence(work);

    const found = await identifyCluster(work.deps, signal);

    expect(found).toBe(work.cluster.id);
    expect(await knownClusters(work.deps, signal)).toEqual([stranger, other, work.cluster.id]);
  });

  test('to nobody when no store has a backup of its name', async () => {
    await using work = openWorkshop();
    await work.place();
    silence(work);

    const deps = { ...work.deps, clusterName: 'another' };

    expect(await identifyCluster(deps, signal)).toBeUndefined();
    expect(await lastSuccess(deps, signal)).toBeUndefined();
  });

  test('also when one of the stores cannot be read', async () => {
    await using work = openWorkshop();
    await work.place();
    silence(work);
    work.store('memory').fail('list', 1, noAnswer);

    expect(await identifyCluster(work.deps, signal)).toBe(work.cluster.id);
  });

  test('never by a question that was aborted', async () => {
    await using work = openWorkshop();
    const reason = new Failure('stopped', 'enough');

    await expect(identifyCluster(work.deps, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe.concurrent('the last success', () => {
  test('is the newest backup that every store has', async () => {
    await using work = openWorkshop();
    const first = await work.place();
    work.pass(hourMs);
    const second = await work.place();
    await work.catalog('disk').forget(second.id, { signal });

    expect(await lastSuccess(work.deps, signal)).toEqual(first.startedAt);
  });

  test('is none when a store has none', async () => {
    await using work = openWorkshop();
    const { id } = await work.place();
    await work.catalog('disk').forget(id, { signal });

    expect(await lastSuccess(work.deps, signal)).toBeUndefined();
  });

  test('is no backup of the future', async () => {
    await using work = openWorkshop();
    const first = await work.place();
    await work.place({ startedAt: new Date(work.deps.now().getTime() + hourMs) });

    expect(await lastSuccess(work.deps, signal)).toEqual(first.startedAt);
  });

  test('cannot be told while a store cannot be read', async () => {
    await using work = openWorkshop();
    await work.place();
    work.store('memory').fail('list', 1, noAnswer);

    await expect(lastSuccess(work.deps, signal)).rejects.toBe(noAnswer);
  });
});
