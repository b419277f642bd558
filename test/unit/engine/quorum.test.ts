/** Whether a member may be replaced: by the table, and by counting votes for any cluster. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Member } from '../../../src/cluster/port.ts';
import { memberId } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import { healthOf, judgeReplacement, leaderOf } from '../../../src/engine/quorum.ts';
import { unstarted } from '../../support/fake-roster.ts';
import { corrupt, leaderId, member, silent, survey, wholeCluster } from '../cluster/surveys.ts';

const ids = ['a1', 'b2', 'c3', 'd4', 'e5', 'f6'];

/** Voters a1 (the leader), b2, ...; those named are down, or are learners. */
function voters(count: number, { down = [] as string[], learners = [] as string[] } = {}) {
  return ids.slice(0, count).map((id) =>
    member(id, {
      learner: learners.includes(id),
      ...(down.includes(id) ? { status: silent } : {}),
    }),
  );
}

interface Asked {
  readonly replace?: string | null;
  readonly learner?: boolean;
  readonly force?: boolean;
}

function judge(members: readonly Member[], asked: Asked = {}, alarms = survey([]).alarms) {
  const { replace = 'b2', learner = false, force = false } = asked;
  const target = replace === null ? null : members.find(({ id }) => id === memberId(replace));
  if (target === undefined) throw new Error(`no member ${replace}`);
  const name = target?.name ?? 'm-new';
  return judgeReplacement(survey(members, alarms), { target, name, learner, force });
}

const reasonsOf = (...given: Parameters<typeof judge>) =>
  judge(...given).objections.map(({ reason }) => reason);

describe('the quorum', () => {
  test('is counted now, after the removal, after the adding and after the start', () => {
    const { stages } = judge(voters(3, { down: ['b2'] }));

    expect(stages).toEqual([
      { step: 'now', voters: 3, healthy: 2, quorum: 2 },
      { step: 'removed', voters: 2, healthy: 2, quorum: 2 },
      { step: 'added', voters: 3, healthy: 2, quorum: 2 },
      { step: 'started', voters: 3, healthy: 3, quorum: 2 },
    ]);
  });

  test('is counted without a removal for a member that is out already', () => {
    const { stages } = judge(voters(2), { replace: null });

    expect(stages).toEqual([
      { step: 'now', voters: 2, healthy: 2, quorum: 2 },
      { step: 'added', voters: 3, healthy: 2, quorum: 2 },
      { step: 'started', voters: 3, healthy: 3, quorum: 2 },
    ]);
  });

  test('does not count learners, neither old ones nor the new one', () => {
    const members = voters(4, { down: ['b2'], learners: ['d4'] });

    const { stages } = judge(members, { learner: true });

    expect(stages.map((stage) => [stage.voters, stage.healthy])).toEqual([
      [3, 2],
      [2, 2],
      [2, 2],
      [2, 2],
    ]);
  });
});

describe('a replacement', () => {
  test.each([
    ['a dead one of three', voters(3, { down: ['b2'] }), {}],
    ['a dead one of five', voters(5, { down: ['b2'] }), {}],
    ['a dead one of four', voters(4, { down: ['b2'] }), {}],
    ['one that has not started', [...voters(2), unstarted('d4')], { replace: 'd4' }],
    ['one that is out already', voters(2), { replace: null }],
    ['a healthy one by force', voters(3), { force: true }],
    [
      'a dead one of five beside another, by force',
      voters(5, { down: ['b2', 'c3'] }),
      { force: true },
    ],
    ['a dead learner', voters(3, { down: ['b2'], learners: ['b2'] }), { learner: true }],
    ['one of two by a learner and by force', voters(2), { learner: true, force: true }],
    [
      'one that follows no leader',
      [...voters(2), member('c3', { told: { leader: undefined } })],
      { replace: 'c3' },
    ],
  ] as const)('is safe for %s', (_, members, asked) => {
    expect(reasonsOf(members, asked)).toEqual([]);
  });

  test('is safe without force for a member with the alarm CORRUPT', () => {
    expect(reasonsOf(voters(3), {}, [corrupt('b2')])).toEqual([]);
    expect(reasonsOf(voters(3), {}, [corrupt('c3')])).toEqual(['m-b2 is healthy']);
    expect(reasonsOf(voters(3), {}, [{ member: wholeCluster, kind: 'CORRUPT' }])).toHaveLength(1);
  });

  test.each([
    [
      'two of three are dead',
      voters(3, { down: ['b2', 'c3'] }),
      { force: true },
      ['the cluster has no quorum: 1 of 3 voters healthy, 2 needed'],
    ],
    [
      'half of four are dead',
      voters(4, { down: ['b2', 'c3'] }),
      { force: true },
      ['the cluster has no quorum: 2 of 4 voters healthy, 3 needed'],
    ],
    ['the member is healthy', voters(3), {}, ['m-b2 is healthy']],
    [
      'a healthy one would go while another is dead',
      voters(3, { down: ['c3'] }),
      { force: true },
      ['without m-b2 the quorum is lost: 1 of 2 voters healthy, 2 needed'],
    ],
    [
      'the second of two would count before it has started',
      voters(2),
      { force: true },
      ['m-b2, once added and not started, loses the quorum: 1 of 2 voters healthy, 2 needed'],
    ],
    [
      'the member leads',
      voters(3),
      { replace: 'a1', force: true },
      ['the members follow m-a1 as their leader'],
    ],
    [
      'the others follow it, though it does not answer',
      voters(3, { down: ['a1'] }),
      { replace: 'a1' },
      ['the members follow m-a1 as their leader, so it lives, though it does not answer here'],
    ],
    [
      'another voter is dead too, though the count would bear it',
      voters(5, { down: ['b2', 'c3'] }),
      {},
      ['not healthy either: m-c3; most versions of etcd add nobody then'],
    ],
    [
      'another voter has not started',
      [...voters(3, { down: ['b2'] }), unstarted('d4'), member('e5')],
      {},
      ['not healthy either: 00000000000000d4; most versions of etcd add nobody then'],
    ],
    [
      'there is a learner already',
      voters(4, { down: ['b2'], learners: ['d4'] }),
      { learner: true },
      ['m-d4 is a learner already, and etcd takes one at a time'],
    ],
  ] as const)('is refused where %s', (_, members, asked, reasons) => {
    expect(reasonsOf(members, asked)).toEqual(reasons);
  });

  test('of the only voter is refused, by force and as a learner too', () => {
    for (const asked of [{ force: true }, { force: true, learner: true }]) {
      const reasons = reasonsOf(voters(1), { ...asked, replace: 'a1' });
      expect(reasons).toContain('m-a1 is the only voter of the cluster');
    }
  });

  test('is refused with what helps: a learner, the other voters, a backup', () => {
    const hintOf = (...given: Parameters<typeof judge>) => judge(...given).objections[0]?.hint;

    expect(hintOf(voters(2), { force: true })).toContain('--learner');
    expect(hintOf(voters(3), {})).toContain('--force');
    expect(hintOf(voters(5, { down: ['b2', 'c3'] }))).toContain(
      '"etcdctl member remove 00000000000000c3"',
    );
    expect(hintOf(voters(3, { down: ['b2', 'c3'] }))).toContain('restore a backup');
  });
});

describe('a member is', () => {
  const health = (of: Member) => healthOf(of, leaderId);

  test.each([
    ['healthy where it follows the leader of the others', member('b2'), 'healthy'],
    ['silent where it does not answer', member('b2', { status: silent }), 'silent'],
    [
      'leaderless where it knows no leader',
      member('b2', { told: { leader: undefined } }),
      'leaderless',
    ],
    [
      'leaderless where it follows another',
      member('b2', { told: { leader: memberId('ff') } }),
      'leaderless',
    ],
    ['unstarted where it has neither name nor client URL', unstarted('d4'), 'unstarted'],
  ] as const)('%s', (_, given, expected) => {
    expect(health(given)).toBe(expected);
  });

  test('followed by all as the leader of the newest term', () => {
    const old = member('b2', { told: { leader: memberId('b2'), raftTerm: 3n } });

    expect(leaderOf(survey([old, member('c3')]))).toBe(leaderId);
    expect(leaderOf(survey([member('c3'), old]))).toBe(leaderId);
    expect(leaderOf(survey([member('c3', { status: silent })]))).toBeUndefined();
  });
});

const anyMember = (id: string): fc.Arbitrary<Member> =>
  fc
    .record({
      learner: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.boolean()),
      state: fc.oneof(
        { weight: 5, arbitrary: fc.constant('up') },
        fc.constantFrom('down', 'unstarted', 'alone'),
      ),
    })
    .map(({ learner, state }) => {
      if (state === 'unstarted') return { ...unstarted(id), learner };
      const told = state === 'alone' ? { leader: undefined } : {};
      return member(id, { learner, told, ...(state === 'down' ? { status: silent } : {}) });
    });

const anyCase = fc
  .record({
    all: fc.tuple(...ids.map(anyMember)),
    count: fc.integer({ min: 1, max: ids.length }),
    at: fc.option(fc.nat({ max: ids.length - 1 })),
    learner: fc.boolean(),
    force: fc.boolean(),
  })
  .map(({ all, count, at, ...asked }) => {
    const members = all.slice(0, count);
    const target = at === null ? null : (members[at % count] as Member);
    return { members, asked: { ...asked, target, name: 'm-new' } };
  });

/** Counts votes as raft does: more than half of all voters must answer and follow. */
function decides(members: readonly Member[]): boolean {
  const all = members.filter(({ learner }) => !learner);
  const votes = all.filter(({ status }) => !(status instanceof Failure) && status.leader);
  return votes.length * 2 > all.length;
}

const runs = { numRuns: 3000 };

describe('for any cluster, a replacement without an objection', () => {
  test('leaves voters enough to decide at every step', () => {
    let safe = 0;
    fc.assert(
      fc.property(anyCase, ({ members, asked }) => {
        const { objections } = judgeReplacement(survey(members), asked);
        if (objections.length > 0) return;
        safe += 1;
        const left = members.filter(({ id }) => id !== asked.target?.id);
        const added = [...left, { ...unstarted('ff'), learner: asked.learner }];
        expect([members, left, added].map(decides)).toEqual([true, true, true]);
      }),
      runs,
    );
    expect(safe).toBeGreaterThan(50);
  });

  test('is not of the leader, and without force neither of a healthy member', () => {
    fc.assert(
      fc.property(anyCase, ({ members, asked }) => {
        const { objections } = judgeReplacement(survey(members), asked);
        const { target, force } = asked;
        if (objections.length > 0 || target === null) return;
        expect(target.id).not.toBe(leaderOf(survey(members)));
        if (!force) expect(healthOf(target, leaderOf(survey(members)))).not.toBe('healthy');
      }),
      runs,
    );
  });

  test('has none in any other order of the members, and none with more force', () => {
    fc.assert(
      fc.property(anyCase, ({ members, asked }) => {
        const judged = judgeReplacement(survey(members), asked);
        const turned = judgeReplacement(survey(members.toReversed()), asked);
        const forced = judgeReplacement(survey(members), { ...asked, force: true });

        expect(turned.stages).toEqual(judged.stages);
        expect(turned.objections).toHaveLength(judged.objections.length);
        expect(forced.objections.length).toBeLessThanOrEqual(judged.objections.length);
      }),
      runs,
    );
  });
});
