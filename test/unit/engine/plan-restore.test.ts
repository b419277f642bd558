/** From what was asked to a restore that every host does alike. */
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../../../src/core/manifest.ts';
import type { InitialMember } from '../../../src/core/restore.ts';
import type { RestoreDeps } from '../../../src/engine/deps.ts';
import { orderOf, planRestore, type RestoreAsked } from '../../../src/engine/plan-restore.ts';
import { into, latest } from '../../support/asked-restore.ts';
import { openWorkshop, signal, type Workshop } from './workshop.ts';

const one: InitialMember[] = [{ name: 'm9', peerUrls: ['http://10.0.0.9:2380'] }];
const two: InitialMember[] = [...one, { name: 'm8', peerUrls: ['http://10.0.0.8:2380'] }];

function depsOf(work: Workshop): RestoreDeps {
  return { ...work.deps, restore: { roots: [], before: [], after: [], hookLimitMs: 1000 } };
}

async function planned(work: Workshop, asked: Partial<RestoreAsked> = {}) {
  return await planRestore(latest, into('/data', asked), depsOf(work), signal);
}

/** The order of a host, from a backup of m1, m2 and m3. */
async function ordered(asked: Partial<RestoreAsked>, localMember: string | null = null) {
  await using work = openWorkshop();
  await work.place();
  const plan = await planned(work, asked);
  return orderOf(plan, into('/data', asked), localMember);
}

const members = (of: Partial<Manifest['found']['members'][number]>[]): Manifest['found'] => ({
  members: of.map((changes) => ({
    id: '0000000000000001' as never,
    name: 'm1',
    peerUrls: ['http://10.0.0.1:2380'],
    learner: false,
    ...changes,
  })),
  alarms: [],
  leases: 0,
  authEnabled: false,
});

describe('the plan of a restore', () => {
  test('is the newest backup, the members that it was taken from, and a fresh token', async () => {
    await using work = openWorkshop();
    await work.place();
    work.pass(1000);
    const newest = await work.place();

    const plan = await planned(work);

    expect(plan).toMatchObject({ manifest: { id: newest.id }, store: 'memory' });
    expect(plan.initialCluster).toEqual(
      work.cluster.members.map(({ name, peerUrl }) => ({ name, peerUrls: [peerUrl] })),
    );
    expect(plan.initialClusterToken).toMatch(/^test-[0-9a-f]{12}$/);
  });

  test('has another token each time', async () => {
    await using work = openWorkshop();
    await work.place();

    const plans = [await planned(work), await planned(work), await planned(work)];

    expect(new Set(plans.map((plan) => plan.initialClusterToken)).size).toBe(3);
  });

  test('keeps to the members and the token that were given', async () => {
    await using work = openWorkshop();
    await work.place();

    const plan = await planned(work, { initialCluster: two, initialClusterToken: 'mine' });

    expect(plan).toMatchObject({ initialCluster: two, initialClusterToken: 'mine' });
  });

  test('leaves out learners, and members that never started', async () => {
    await using work = openWorkshop();
    const found = members([
      {},
      { name: 'm2', learner: true, peerUrls: ['http://10.0.0.2:2380'] },
      { name: '', peerUrls: ['http://10.0.0.3:2380'] },
    ]);
    await work.place({ found });

    const { initialCluster } = await planned(work);

    expect(initialCluster).toEqual([{ name: 'm1', peerUrls: ['http://10.0.0.1:2380'] }]);
  });

  test('needs a list where the backup names no voter', async () => {
    await using work = openWorkshop();
    const { id } = await work.place({ found: members([{ learner: true }]) });

    await expect(planned(work)).rejects.toMatchObject({
      code: 'usage',
      message: `backup ${id} names no members; give --initial-cluster`,
    });
    expect(await planned(work, { initialCluster: one })).toMatchObject({ initialCluster: one });
  });

  test('refuses a cluster that cannot be, before anything is done', async () => {
    await using work = openWorkshop();
    await work.place();
    const twice = [...one, { name: 'm9', peerUrls: ['http://10.0.0.8:2380'] }];

    await expect(planned(work, { initialCluster: twice })).rejects.toMatchObject({
      code: 'usage',
      message: 'two members have the name m9',
    });
  });

  test('is none where there is no backup', async () => {
    await using work = openWorkshop();

    await expect(planned(work)).rejects.toMatchObject({ code: 'backup-missing' });
  });
});

describe('the order of one host', () => {
  test('names the backup, so that no host takes another', async () => {
    await using work = openWorkshop();
    const { id, cluster } = await work.place();
    const plan = await planned(work);

    const { wanted } = orderOf(plan, into('/data', { initialClusterToken: 'token' }), 'm1');

    expect(wanted).toEqual({ backup: id, cluster: cluster.id });
  });

  test('is refused with --fallback where other hosts could come back from another backup', async () => {
    const asked = ordered({ initialCluster: two, initialClusterToken: 'token', fallback: true });

    await expect(asked).rejects.toMatchObject({
      code: 'usage',
      message: 'with --fallback each host could come back from another backup',
    });
  });

  test('has all that was asked, and the member that this host is to be', async () => {
    const rest = {
      bumpRevision: 5n,
      clearAlarms: true,
      owner: { uid: 1, gid: 2 },
      etcdVersion: '3.6.14',
      force: true,
      fallback: true,
      dryRun: true,
    };

    const { order } = await ordered({
      ...{ initialCluster: two, initialClusterToken: 'token', name: 'm8' },
      ...rest,
    });

    expect(order).toEqual({
      ...rest,
      member: {
        dataDir: '/data',
        name: 'm8',
        initialCluster: two,
        initialClusterToken: 'token',
      },
    });
  });

  test('of several members needs one token for all, and says how to get it', async () => {
    await expect(ordered({ name: 'm1' })).rejects.toMatchObject({
      code: 'usage',
      message: 'm1, m2, m3 need one token, the same on every host',
      hint: 'Restore with --plan: it prints the command of every host, with one fresh token.',
    });
  });

  test.each<[string, Partial<RestoreAsked>]>([
    ['a single member', { initialCluster: one }],
    ['a dry run', { name: 'm2', dryRun: true }],
    ['a token that was given', { name: 'm2', initialClusterToken: 'token' }],
  ])('needs no other token: %s', async (_, asked) => {
    const { order } = await ordered(asked);

    expect(order.member.initialClusterToken).toMatch(/^(token|test-[0-9a-f]{12})$/);
  });

  test.each<[string, Partial<RestoreAsked>, string | null, string]>([
    ['the one that was asked for', { name: 'm3' }, 'm2', 'm3'],
    ['this host', {}, 'm2', 'm2'],
    ['the only one', { initialCluster: one }, null, 'm9'],
    ['the only one, though the configuration has another', { initialCluster: one }, 'm2', 'm9'],
  ])('is for %s', async (_, asked, localMember, name) => {
    const { order } = await ordered({ initialClusterToken: 'token', ...asked }, localMember);

    expect(order.member.name).toBe(name);
  });

  const hint = 'Name it with --name, and its cluster with --initial-cluster where it is another.';
  const listed = 'm9=http://10.0.0.9:2380,m8=http://10.0.0.8:2380';

  test.each<[string, Partial<RestoreAsked>, string | null, string]>([
    ['nobody said which', {}, null, 'which member this host is to be'],
    ['it is not of the cluster', { name: 'm1' }, null, 'no member m1'],
    ['this host is not of the cluster', {}, 'm2', 'no member m2'],
  ])('is refused where %s', async (_, asked, localMember, which) => {
    const both = { initialCluster: two, initialClusterToken: 'token', ...asked };

    await expect(ordered(both, localMember)).rejects.toMatchObject({
      code: 'usage',
      message: `the initial cluster ${listed} does not tell ${which}`,
      hint,
    });
  });
});
