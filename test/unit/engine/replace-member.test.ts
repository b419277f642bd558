/** The replacement of a member as a story: what is changed, in which order, and what is left. */
import { describe, expect, test } from 'vitest';
import type { Member } from '../../../src/cluster/port.ts';
import { memberId } from '../../../src/core/backup.ts';
import { Failure, toFailure } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/events.ts';
import {
  finishingCommand,
  planReplacement,
  type ReplaceOrder,
  replaceMember,
} from '../../../src/engine/replace-member.ts';
import { FakeRoster, unstarted } from '../../support/fake-roster.ts';
import { member, silent } from '../cluster/surveys.ts';

const idOf = (digits: string) => memberId(digits);
const url = (name: string) => `https://m-${name}.etcd.example:2380`;

const { signal } = new AbortController();

/** m-a1 leads, m-b2 is dead, m-c3 follows. */
function oneDead(): FakeRoster {
  return new FakeRoster([member('a1'), member('b2', { status: silent }), member('c3')]);
}

function order(named: string, changes: Partial<ReplaceOrder> = {}): ReplaceOrder {
  return { named, peerUrls: [], newName: null, learner: false, force: false, ...changes };
}

function house(roster: FakeRoster) {
  const events: Event[] = [];
  const observe = (event: Event): void => void events.push(event);
  const deps = { cluster: roster, membership: roster, observe };
  const plan = (asked: ReplaceOrder) => planReplacement(asked, deps, { signal });
  const replace = async (asked: ReplaceOrder, limits = { signal }) =>
    replaceMember(await plan(asked), deps, limits);
  const failure = (asked: ReplaceOrder, limits = { signal }) =>
    replace(asked, limits).then(() => {
      throw new Error('nothing failed');
    }, toFailure);
  return { events, plan, replace, failure };
}

describe('a replacement', () => {
  test('takes the dead member out first and adds it at its own peer URL, through the leader', async () => {
    const roster = new FakeRoster([member('c3'), member('b2', { status: silent }), member('a1')]);
    const { replace, events } = house(roster);

    const added = await replace(order('m-b2'));

    expect(added).toBe(idOf('f0'));
    expect(roster.changes).toEqual([
      `remove ${idOf('b2')} via m-a1`,
      `add ${url('b2')} as voter via m-a1`,
    ]);
    expect(events).toMatchObject([
      { kind: 'member-removed', member: idOf('b2'), name: 'm-b2' },
      { kind: 'member-added', member: added, name: 'm-b2', peerUrls: [url('b2')], learner: false },
    ]);
  });

  test('asks a follower where the leader of the others is not healthy from here', async () => {
    const told = { leader: idOf('ff') };
    const roster = new FakeRoster([
      member('a1', { status: silent }),
      member('b2', { told }),
      member('c3', { told }),
    ]);

    await house(roster).replace(order('a1'));

    expect(roster.changes[0]).toBe(`remove ${idOf('a1')} via m-b2`);
  });

  test('never asks the member that leaves', async () => {
    const leaderSilent = member('a1', { status: silent });
    const rest = ['b2', 'c3', 'd4', 'e5'].map((id) => member(id));

    const { via } = await house(new FakeRoster([leaderSilent, ...rest])).plan(
      order('m-b2', { force: true }),
    );

    expect(via?.name).toBe('m-c3');
  });

  test('tells what the new process is started with', async () => {
    const peerUrls = ['https://10.0.0.9:2380', 'https://10.0.1.9:2380'];

    const { variables } = await house(oneDead()).plan(order('b2', { peerUrls, newName: 'new' }));

    expect(variables).toEqual({
      ETCD_NAME: 'new',
      ETCD_INITIAL_CLUSTER:
        `m-a1=${url('a1')},m-c3=${url('c3')},` +
        'new=https://10.0.0.9:2380,new=https://10.0.1.9:2380',
      ETCD_INITIAL_CLUSTER_STATE: 'existing',
      ETCD_INITIAL_ADVERTISE_PEER_URLS: 'https://10.0.0.9:2380,https://10.0.1.9:2380',
    });
  });

  test('keeps a learner a learner, and makes one of a voter when asked', async () => {
    const learner = member('d4', { learner: true, status: silent });
    const kept = new FakeRoster([member('a1'), member('b2'), member('c3'), learner]);
    const made = oneDead();

    await house(kept).replace(order('m-d4'));
    await house(made).replace(order('m-b2', { learner: true }));

    expect(kept.changes[1]).toBe(`add ${url('d4')} as learner via m-a1`);
    expect(made.changes[1]).toBe(`add ${url('b2')} as learner via m-a1`);
  });

  test('of a member that has not started goes by its id, and asks for a name', async () => {
    const roster = new FakeRoster([member('a1'), member('b2'), unstarted('d4')]);
    const { failure, replace } = house(roster);

    const nameless = await failure(order('d4'));
    const unchanged = [...roster.changes];
    await replace(order('00000000000000D4', { newName: 'm-d4' }));

    expect(nameless).toMatchObject({ code: 'usage', hint: expect.stringContaining('--name NAME') });
    expect(unchanged).toEqual([]);
    expect(roster.changes[0]).toBe(`remove ${idOf('d4')} via m-a1`);
  });
});

describe('a replacement that was cut off', () => {
  const peerUrls = [url('b2')];

  test('after the removal asks for the peer URL, and with it only adds', async () => {
    const roster = new FakeRoster([member('a1'), member('c3')]);
    const { failure, replace, events } = house(roster);

    const blind = await failure(order('m-b2'));
    await replace(order('m-b2', { peerUrls }));

    expect(blind).toMatchObject({ code: 'usage', hint: expect.stringContaining('--peer-url URL') });
    expect(blind.message).toContain('m-a1, m-c3');
    expect(roster.changes).toEqual([`add ${url('b2')} as voter via m-a1`]);
    expect(events.map(({ kind }) => kind)).toEqual(['member-added']);
  });

  test('after the adding changes nothing and tells the same variables', async () => {
    const roster = oneDead();
    const { plan, replace, events } = house(roster);
    const { variables } = await plan(order('m-b2'));
    const added = await replace(order('m-b2'));
    const before = [roster.changes.length, events.length];

    const again = order('m-b2', { peerUrls });
    const planned = await plan(again);

    expect(await replace(again)).toBe(added);
    expect(planned.variables).toEqual(variables);
    expect([roster.changes.length, events.length]).toEqual(before);
  });

  test('tells the command that finishes it, which is that very command', async () => {
    const roster = oneDead();
    const { failure, replace } = house(roster);
    roster.onChange = (change) => {
      if (change === 'add') throw new Failure('timed-out', 'no answer in 5000 ms');
    };

    const failed = await failure(order('m-b2', { learner: true }));

    expect(failed).toMatchObject({
      code: 'timed-out',
      message: 'm-b2 was removed, but its successor was not added: no answer in 5000 ms',
      hint:
        'Finish it, with the same configuration: ' +
        `etcd-backupd member replace m-b2 --peer-url ${url('b2')} --learner --yes`,
    });
    roster.onChange = () => undefined;
    await replace(order('m-b2', { peerUrls, learner: true }));
    expect(roster.changes[1]).toBe(`add ${url('b2')} as learner via m-a1`);
  });

  test('by a signal between the two tells that command too', async () => {
    const roster = oneDead();
    const stop = new AbortController();
    const { failure, events } = house(roster);
    roster.onChange = () => stop.abort(new Failure('stopped', 'stopped by a signal'));

    const failed = await failure(order('m-b2'), { signal: stop.signal });

    expect(failed).toMatchObject({ code: 'stopped', hint: expect.stringContaining('--peer-url') });
    expect(events.map(({ kind }) => kind)).toEqual(['member-removed']);
  });

  test('before the removal says so, and adds nobody', async () => {
    const roster = oneDead();
    const { failure, events } = house(roster);
    roster.onChange = () => {
      throw new Failure('timed-out', 'no answer in 5000 ms');
    };

    const failed = await failure(order('m-b2'));

    expect(failed).toMatchObject({
      code: 'timed-out',
      message: 'm-b2 was not removed: no answer in 5000 ms',
      hint: expect.stringContaining('member list'),
    });
    expect([roster.changes, events]).toEqual([[], []]);
  });
});

describe('a replacement is refused, and nothing changed,', () => {
  const three = [member('a1'), member('b2', { status: silent }), member('c3')];

  async function refusal(members: readonly Member[], asked: ReplaceOrder, confirms = true) {
    const roster = new FakeRoster(members);
    roster.confirms = confirms;
    const { failure, events } = house(roster);
    const { code, message } = await failure(asked);
    expect([roster.changes, events]).toEqual([[], []]);
    return { code, message };
  }

  test('where the judgement objects', async () => {
    const twoDead = [
      member('a1'),
      member('b2', { status: silent }),
      member('c3', { status: silent }),
    ];

    expect(await refusal(twoDead, order('m-b2'))).toEqual({
      code: 'quorum-at-risk',
      message:
        'the cluster has no quorum: 1 of 3 voters healthy, 2 needed; ' +
        'not healthy either: m-c3; most versions of etcd add nobody then',
    });
  });

  test('where voters enough answer, but no read is confirmed', async () => {
    expect(await refusal(three, order('m-b2'), false)).toEqual({
      code: 'quorum-at-risk',
      message: 'the cluster confirms nothing now: the cluster has no leader now',
    });
  });

  test.each([
    ['nobody has the name', order('m-zz'), 'no member has the name or id m-zz'],
    [
      'another member has the peer URL',
      order('m-b2', { peerUrls: [url('c3')] }),
      'm-c3 has the peer URL',
    ],
    [
      'another member has the new name',
      order('m-b2', { newName: 'm-c3' }),
      'another member is named m-c3',
    ],
    [
      'a peer URL is none',
      order('m-b2', { peerUrls: ['10.0.0.9:2380'] }),
      '"10.0.0.9:2380" is no peer URL',
    ],
    ['the new name would split the list', order('m-b2', { newName: 'a=b' }), 'is no peer URL'],
  ])('where %s', async (_, asked, message) => {
    expect(await refusal(three, asked)).toEqual({
      code: 'usage',
      message: expect.stringContaining(message),
    });
  });

  test('where two members have the name', async () => {
    const twins = [...three, member('d4', { name: 'm-b2' })];

    expect(await refusal(twins, order('m-b2'))).toEqual({
      code: 'usage',
      message: `2 members are named m-b2: ${idOf('b2')}, ${idOf('d4')}`,
    });
  });
});

test('the finishing command quotes what a shell would read otherwise', async () => {
  const plan = await house(oneDead()).plan(order('m-b2', { newName: "it's $(me)" }));

  expect(finishingCommand(plan)).toContain(`replace 'it'\\''s $(me)' --peer-url`);
});
