import { describe, expect, test } from 'vitest';
import { type ChooseRules, rankSources } from '../../../src/cluster/choose.ts';
import type { Member } from '../../../src/cluster/port.ts';
import { corrupt, member, rules, silent, slot, survey, told } from './surveys.ts';

const leader = member('a1');
const [left, right] = [member('b2'), member('c3')];
const members = [leader, left, right];
const hourMs = 3_600_000;
const slots = Array.from({ length: 600 }, (_, hour) => new Date(slot.getTime() + hour * hourMs));

function namesOf(
  members: readonly Member[],
  changes: Partial<ChooseRules>,
  at: Date | null = slot,
) {
  return rankSources(survey(members), rules(changes), at).map(({ member: { name } }) => name);
}

describe('the leader', () => {
  test.each(['alone', 'always'] as const)('is the source where it is alone: %s', (allowLeader) => {
    const lonely = told(rankSources(survey([leader]), rules({ allowLeader }), slot));

    expect(lonely).toEqual([
      expect.objectContaining({ name: 'm-a1', eligible: true, role: 'leader' }),
    ]);
  });

  test('says so where it is the source for want of others', () => {
    const unfit = [member('b2', { status: silent }), member('c3', { learner: true })];

    const [best] = told(rankSources(survey([leader, ...unfit]), rules(), slot));

    expect(best).toEqual({
      name: 'm-a1',
      eligible: true,
      role: 'leader',
      reason: 'healthy leader, up to date; the leader, because nobody else can serve',
    });
  });

  test('is never the source of a cluster of one where it may not be', () => {
    const lonely = told(rankSources(survey([leader]), rules({ allowLeader: 'never' }), slot));

    expect(lonely).toEqual([
      {
        name: 'm-a1',
        eligible: false,
        role: 'leader',
        reason: 'is the leader: source.allowLeader is never',
      },
    ]);
  });

  test('is asked last where it is always allowed, also when it is the local member', () => {
    const ranked = told(
      rankSources(survey(members), rules({ allowLeader: 'always', localMember: 'm-a1' }), slot),
    );

    expect(ranked.map(({ eligible }) => eligible)).toEqual([true, true, true]);
    expect(ranked[2]).toMatchObject({ name: 'm-a1', reason: 'healthy leader, up to date' });
  });

  test('has its own fault told, not that it leads', () => {
    const [only] = told(
      rankSources(survey([leader], [corrupt('a1')]), rules({ allowLeader: 'never' }), slot),
    );

    expect(only).toMatchObject({ role: 'leader', reason: 'has the alarm CORRUPT' });
  });
});

describe('the local member', () => {
  test.each([
    ['its name', 'm-c3'],
    ['its id', '00000000000000c3'],
    ['its id as etcd prints it', 'c3'],
    ['the host of its client URL', 'm-c3.etcd.example'],
    ['host and port of its client URL', 'm-c3.etcd.example:2379'],
  ])('comes first in every slot, known by %s', (_, localMember) => {
    const firsts = slots.map((at) => namesOf(members, { localMember }, at)[0]);

    expect(new Set(firsts)).toEqual(new Set(['m-c3']));
  });

  test('is known by the endpoint that is configured for it, too', () => {
    const here = member('c3', { endpoint: 'http://127.0.0.1:2379' });

    const firsts = slots.map((at) => {
      return namesOf([leader, left, here], { localMember: '127.0.0.1' }, at)[0];
    });

    expect(new Set(firsts)).toEqual(new Set(['m-c3']));
  });

  test('stays behind where it is not fit', () => {
    const unfit = member('c3', { learner: true });

    expect(namesOf([leader, left, unfit], { localMember: 'm-c3' })[0]).toBe('m-b2');
  });

  test('may be named as nobody is', () => {
    expect(namesOf(members, { localMember: 'm-z9' })).toEqual(namesOf(members, {}));
  });
});

describe('the slot', () => {
  test('gives one order, however the members are listed', () => {
    const all = [leader, left, right, member('d4'), member('e5')];

    for (const at of slots.slice(0, 50)) {
      expect(namesOf(all.toReversed(), {}, at)).toEqual(namesOf(all, {}, at));
    }
  });

  test('sends the work round: each of three has its fair share of the slots', () => {
    const three = [left, right, member('d4')];
    const share = { 'm-b2': 0, 'm-c3': 0, 'm-d4': 0 };

    for (const at of slots) {
      share[namesOf([leader, ...three], {}, at)[0] as keyof typeof share] += 1;
    }

    for (const turns of Object.values(share)) expect(turns).toBeGreaterThan(slots.length / 5);
  });

  test('goes round among members whose ids differ in one digit only', () => {
    const alike = ['8e9e05c52164694d', '8e9e05c52164694e', '8e9e05c52164694f'].map((id) =>
      member(id),
    );

    const firsts = slots.map((at) => namesOf(alike, {}, at)[0]);

    for (const { name } of alike) {
      const turns = firsts.filter((first) => first === name).length;
      expect(turns).toBeGreaterThan(slots.length / 5);
    }
  });

  test('may be none, and the order is the same each time', () => {
    expect(namesOf(members, {}, null)).toEqual(namesOf(members.toReversed(), {}, null));
  });
});
