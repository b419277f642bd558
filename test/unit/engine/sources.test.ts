/** From which member a snapshot comes in the end, and what is left where none does. */
import { describe, expect, test } from 'vitest';
import { Failure, type FailureCode } from '../../../src/core/errors.ts';
import { namesIn } from '../../contract/store-bodies.ts';
import type { StreamFault } from '../../support/fake-member.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

/** Who was asked for a snapshot, in order. */
function asked({ cluster }: Workshop): string[] {
  return cluster.calls.filter(({ method }) => method === 'snapshot').map(({ member }) => member);
}

const learner = new Failure('snapshot-refused', 'm2 is a learner and does not serve this');
const faults: readonly (readonly [string, StreamFault, FailureCode])[] = [
  ['refuses it', { kind: 'refused', failure: learner }, 'snapshot-refused'],
  ['breaks off', { kind: 'breaks', afterBytes: 40_000 }, 'stream-broken'],
  ['ends before it begins', { kind: 'empty' }, 'stream-broken'],
  ['stalls half-way', { kind: 'stalls', afterBytes: 40_000 }, 'stream-stalled'],
  ['stalls from the start', { kind: 'stalls', afterBytes: 0 }, 'stream-stalled'],
  ['sends another digest', { kind: 'wrong-trailer' }, 'snapshot-corrupt'],
  ['sends a damaged database', { kind: 'unsound' }, 'snapshot-corrupt'],
  ['sends what it held long ago', { kind: 'stale', entries: 2 }, 'snapshot-stale'],
];

/** Short enough for a test, long enough for a stream that only waits for its turn. */
const stallTimeoutMs = 300;

describe.concurrent('a member that', () => {
  test.for(faults)('%s is left for the next one', async ([, stream, code]) => {
    await using work = openWorkshop({ stores: ['memory'], source: { stallTimeoutMs } });
    work.cluster.member('m2').stream = stream;

    const { result } = await work.backup();

    expect(result).toBe('success');
    expect(asked(work)).toEqual(['m2', 'm3']);
    expect(work.of('source-failed')).toMatchObject([{ name: 'm2', failure: { code } }]);
    expect(work.of('member-chosen').map(({ name }) => name)).toEqual(['m2', 'm3']);
    const [manifest, ...more] = await work.listed('memory');
    expect(manifest).toMatchObject({ source: { name: 'm3' }, revision: 43n });
    expect(more).toEqual([]);
    expect(work.spooled()).toEqual([]);
  });

  test('goes down after the survey is left for the next one', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    work.cluster.onCall = ({ method }) => {
      if (method === 'confirmedRevision') work.cluster.member('m2').down = true;
    };

    await work.backup();

    expect(asked(work)).toEqual(['m2', 'm3']);
    const failure = expect.objectContaining({ code: 'cluster-unreachable' });
    expect(work.of('source-failed')).toMatchObject([{ name: 'm2', failure }]);
    expect(work.spooled()).toEqual([]);
  });

  test('refuses our user ends the run: no other would take it', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    const failure = new Failure('cluster-permission', 'the user lacks the role root');
    work.cluster.member('m2').stream = { kind: 'refused', failure };

    await expect(work.backup()).rejects.toBe(failure);

    expect(asked(work)).toEqual(['m2']);
    expect(work.spooled()).toEqual([]);
  });
});

describe.concurrent('a run that no member serves', () => {
  test('fails as the last one did, and leaves nothing in the spool or a store', async () => {
    await using work = openWorkshop();
    work.cluster.member('m2').stream = { kind: 'wrong-trailer' };
    work.cluster.member('m3').stream = { kind: 'breaks', afterBytes: 40_000 };

    await expect(work.backup()).rejects.toMatchObject({ code: 'stream-broken' });

    expect(asked(work)).toEqual(['m2', 'm3']);
    expect(work.of('source-failed')).toHaveLength(2);
    expect(work.spooled()).toEqual([]);
    for (const store of ['memory', 'disk']) {
      expect(await namesIn(work.store(store))).toEqual([]);
    }
  });

  test('says of each member why it cannot be the source', async () => {
    await using work = openWorkshop({
      source: { choose: { allowLeader: 'never', maxLag: 3, localMember: null } },
    });
    work.cluster.member('m2').lag = 4;
    work.cluster.alarms = [{ member: work.cluster.member('m3').id, kind: 'CORRUPT' }];

    const run = work.backup();

    await expect(run).rejects.toMatchObject({ code: 'no-source', retryable: true });
    await expect(run).rejects.toThrow('m1 is the leader: source.allowLeader is never');
    await expect(run).rejects.toThrow('m2 is 4 entries behind, more than 3');
    await expect(run).rejects.toThrow('m3 has the alarm CORRUPT');
  });

  test('is refused by the spool before anybody has to send a byte', async () => {
    await using work = openWorkshop({ spoolMaxBytes: 4096 });

    await expect(work.backup()).rejects.toMatchObject({ code: 'spool-full' });

    expect(asked(work)).toEqual([]);
    expect(work.spooled()).toEqual([]);
  });
});

describe.concurrent('a cluster in trouble', () => {
  test('is backed up without a quorum, where nothing can be confirmed', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    for (const name of ['m1', 'm3']) work.cluster.member(name).down = true;

    const { result } = await work.backup();

    expect(result).toBe('success');
    expect(work.cluster.calls.map(({ method }) => method)).not.toContain('confirmedRevision');
    expect(work.of('member-chosen')[0]?.reason).toBe('healthy, but the cluster has no leader');
  });

  test('of one member is backed up from its leader', async () => {
    await using work = openWorkshop({ stores: ['memory'], members: 1 });

    await work.backup();

    const [manifest] = await work.listed('memory');
    expect(manifest?.source).toMatchObject({ name: 'm1', role: 'leader' });
  });

  test('that does not answer at all is told, and no store is touched', async () => {
    await using work = openWorkshop();
    for (const member of work.cluster.members) member.down = true;

    await expect(work.backup()).rejects.toMatchObject({ code: 'cluster-unreachable' });

    for (const store of ['memory', 'disk']) expect(work.store(store).calls).toEqual([]);
  });
});
