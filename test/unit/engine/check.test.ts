/** What a check tries, and what it says of each thing. */
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { type CheckReport, checkEverything } from '../../../src/engine/check.ts';
import { openWorkshop, signal, type Workshop } from './workshop.ts';

async function check(work: Workshop): Promise<CheckReport & { failed: Record<string, string> }> {
  const report = await checkEverything(work.deps, { signal });
  const failed = report.results.flatMap(({ subject, failure }) => {
    return failure === undefined ? [] : [[subject, failure.code] as const];
  });
  return { ...report, failed: Object.fromEntries(failed) };
}

function detail({ results }: CheckReport, of: string): string | undefined {
  return results.find(({ subject }) => subject === of)?.detail;
}

describe.concurrent('a check', () => {
  test('tries all that a backup needs, and leaves no trace', async () => {
    await using work = openWorkshop();

    const report = await check(work);

    expect(report.results.map(({ subject }) => subject)).toEqual([
      'cluster',
      'source',
      'snapshot rights',
      'content hash',
      'spool',
      'store memory',
      'store disk',
    ]);
    expect(report.failed).toEqual({});
    expect(detail(report, 'cluster')).toBe(`${work.cluster.id}: 3 members, 0 without an answer`);
    expect(detail(report, 'source')).toBe('m2: healthy follower, up to date');
    expect(detail(report, 'snapshot rights')).toMatch(/^m2 streams its database of \d/);
    expect(detail(report, 'content hash')).toMatch(/^HashKV \d+ at revision 43$/);
    expect(detail(report, 'spool')).toMatch(/ and writable$/);
    expect(report.judgements.map(({ eligible }) => eligible)).toEqual([true, true, false]);
    expect(work.spooled()).toEqual([]);
    expect(work.events).toEqual([]);
  });

  test('goes on with the stores when the cluster does not answer', async () => {
    await using work = openWorkshop();
    for (const member of work.cluster.members) member.down = true;

    const report = await check(work);

    expect(report.failed).toEqual({ cluster: 'cluster-unreachable' });
    expect(report.results.map(({ subject }) => subject)).toEqual([
      'cluster',
      'store memory',
      'store disk',
    ]);
    expect(report.judgements).toEqual([]);
  });

  test('names alarms and members that gave no answer', async () => {
    await using work = openWorkshop();
    const { id } = work.cluster.member('m3');
    work.cluster.member('m3').down = true;
    work.cluster.alarms = [{ member: id, kind: 'NOSPACE' }];

    const report = await check(work);

    expect(report.failed).toEqual({});
    expect(detail(report, 'cluster')).toContain(
      `3 members, 1 without an answer, alarm NOSPACE of ${id}`,
    );
  });

  test('says of each member why none can be the source', async () => {
    await using work = openWorkshop({
      members: 1,
      source: { choose: { allowLeader: 'never', maxLag: 3, localMember: null } },
    });

    const report = await check(work);

    expect(report.failed).toEqual({ source: 'no-source' });
    expect(detail(report, 'source')).toContain('m1 is the leader: source.allowLeader is never');
  });

  test('finds that the user may not take a snapshot', async () => {
    await using work = openWorkshop();
    const failure = new Failure('cluster-permission', 'the user lacks the role root');
    work.cluster.member('m2').stream = { kind: 'refused', failure };

    expect((await check(work)).failed).toEqual({ 'snapshot rights': 'cluster-permission' });
  });

  test('finds a member that sends an empty snapshot', async () => {
    await using work = openWorkshop();
    work.cluster.member('m2').stream = { kind: 'empty' };

    const report = await check(work);

    expect(report.failed).toEqual({ 'snapshot rights': 'stream-broken' });
    expect(detail(report, 'snapshot rights')).toBe('m2 sent an empty snapshot');
  });

  test('finds that nothing can be confirmed without a quorum', async () => {
    await using work = openWorkshop();
    for (const name of ['m1', 'm3']) work.cluster.member(name).down = true;

    expect((await check(work)).failed).toEqual({
      cluster: 'cluster-unreachable',
      'content hash': 'cluster-unreachable',
    });
  });

  test('finds a spool without the room for the database, and one that is no folder', async () => {
    await using small = openWorkshop({ spoolMaxBytes: 4096 });
    await using wrong = openWorkshop();
    writeFileSync(wrong.spoolDir, 'a file where a folder belongs');

    expect((await check(small)).failed).toEqual({ spool: 'spool-full' });
    expect((await check(wrong)).failed).toEqual({ spool: 'spool-failed' });
  });

  test('names the store that fails, and tries the others', async () => {
    await using work = openWorkshop();
    work.store('memory').fail('put', 1, new Failure('store-denied', 'read-only'));

    const report = await check(work);

    expect(report.failed).toEqual({ 'store memory': 'store-denied' });
    expect(detail(report, 'store disk')).toContain('written, read and removed a probe');
  });

  test('tells what a folder can do, and how much room there is', async () => {
    await using work = openWorkshop({ stores: ['disk'] });

    const report = await check(work);

    expect(detail(report, 'store disk')).toMatch(
      /removed a probe; renames replace, folders sync, \d.* free, at \/.* \(.+ of .+\)$/,
    );
  });

  test('finds a store without the room for the database, unless it is to be packed', async () => {
    await using work = openWorkshop();
    work.store('memory').examine = async () => ({ lines: ['small'], freeBytes: 4096 });
    const seal = { ...work.deps.seal, codec: 'zstd' as const };

    const packed = await checkEverything({ ...work.deps, seal }, { signal });

    expect((await check(work)).failed).toEqual({ 'store memory': 'store-full' });
    expect(packed.results.filter(({ failure }) => failure !== undefined)).toEqual([]);
  });
});
