/** What holds for any survey and any rules. fast-check prints the seed of a failure. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ChooseRules, rankSources } from '../../../src/cluster/choose.ts';
import type { Alarm, Member, Survey } from '../../../src/cluster/port.ts';
import { memberId } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import { leaderId, member, silent, survey, wholeCluster } from './surveys.ts';

const runs = { numRuns: 500 };
const ids = ['a1', 'b2', 'c3', 'd4', 'e5'] as const;
const index = fc.bigInt({ min: 0n, max: 300n });

const anyMember = (id: string): fc.Arbitrary<Member> =>
  fc
    .record({
      learner: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.boolean()),
      started: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.boolean()),
      answers: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.boolean()),
      leader: fc.constantFrom(leaderId, leaderId, undefined, memberId('ff')),
      raftIndex: index,
      appliedIndex: index,
    })
    .map(({ learner, started, answers, ...told }) => {
      const blank = started ? {} : { name: '', clientUrls: [], endpoint: undefined };
      const status = answers ? {} : { status: silent };
      return member(id, { learner, told, ...blank, ...status });
    });

const anyAlarms: fc.Arbitrary<readonly Alarm[] | Failure> = fc.oneof(
  { weight: 5, arbitrary: fc.constant([]) },
  fc.constant(silent),
  fc.array(
    fc.record({
      member: fc.constantFrom(wholeCluster, ...ids.map((id) => memberId(id))),
      kind: fc.constantFrom('NOSPACE', 'CORRUPT', 'UNKNOWN'),
    }),
    { maxLength: 2 },
  ),
);

const anySurvey: fc.Arbitrary<Survey> = fc
  .tuple(fc.tuple(...ids.map(anyMember)), fc.subarray([0, 1, 2, 3, 4]), anyAlarms)
  .map(([all, kept, alarms]) =>
    survey(
      kept.map((at) => all[at] as Member),
      alarms,
    ),
  );

const anyRules: fc.Arbitrary<ChooseRules> = fc.record({
  allowLeader: fc.constantFrom('never', 'alone', 'always'),
  maxLag: fc.integer({ min: 0, max: 200 }),
  localMember: fc.option(fc.constantFrom('m-a1', 'm-b2', 'c3', 'm-d4.etcd.example', 'nobody')),
});

const anySlot = fc.option(fc.date({ noInvalidDate: true }));
const input = fc.tuple(anySurvey, anyRules, anySlot);

describe('for any survey, any rules and any slot, the ranking', () => {
  test('judges every member once, each with a reason', () => {
    fc.assert(
      fc.property(input, ([seen, rules, slot]) => {
        const ranked = rankSources(seen, rules, slot);

        expect(ranked.map((each) => each.member.id).toSorted()).toEqual(
          seen.members.map(({ id }) => id).toSorted(),
        );
        expect(ranked.filter(({ reason }) => reason.trim() === '')).toEqual([]);
      }),
      runs,
    );
  });

  test('puts nobody who cannot serve before somebody who can', () => {
    fc.assert(
      fc.property(input, ([seen, rules, slot]) => {
        const fitness = rankSources(seen, rules, slot).map(({ eligible }) => eligible);

        expect(fitness).toEqual(fitness.toSorted((a, b) => Number(b) - Number(a)));
      }),
      runs,
    );
  });

  test('takes nobody who is silent, a learner, not started or under the alarm CORRUPT', () => {
    fc.assert(
      fc.property(input, ([seen, rules, slot]) => {
        const alarms = seen.alarms instanceof Failure ? [] : seen.alarms;
        const corrupt = alarms.filter(({ kind }) => kind === 'CORRUPT').map((each) => each.member);
        const sources = rankSources(seen, rules, slot).filter(({ eligible }) => eligible);

        for (const { member: source } of sources) {
          expect(source.status).not.toBeInstanceOf(Failure);
          expect(source.learner).toBe(false);
          expect(source.clientUrls).not.toEqual([]);
          expect(corrupt).not.toContain(source.id);
          expect(corrupt).not.toContain(wholeCluster);
        }
      }),
      runs,
    );
  });

  test('takes the leader only as its rule says, and then last', () => {
    fc.assert(
      fc.property(input, ([seen, rules, slot]) => {
        const sources = rankSources(seen, rules, slot).filter(({ eligible }) => eligible);
        const leads = sources.findIndex(({ role }) => role === 'leader');

        fc.pre(leads >= 0);
        expect(rules.allowLeader).not.toBe('never');
        if (rules.allowLeader === 'alone') {
          expect(sources.map(({ role }) => role)).not.toContain('follower');
        }
        expect(sources.slice(leads).map(({ role }) => role)).not.toContain('follower');
      }),
      runs,
    );
  });

  test('does not care for the order of the members', () => {
    fc.assert(
      fc.property(input, ([seen, rules, slot]) => {
        const turned = { ...seen, members: seen.members.toReversed() };

        expect(rankSources(turned, rules, slot)).toEqual(rankSources(seen, rules, slot));
      }),
      runs,
    );
  });

  test('finds a source wherever a voter that is not the leader answers and nothing is wrong', () => {
    fc.assert(
      fc.property(anySurvey, anyRules, anySlot, (seen, rules, slot) => {
        const well = seen.members.filter(
          ({ learner, clientUrls, status }) =>
            !learner && clientUrls.length > 0 && !(status instanceof Failure),
        );
        fc.pre(well.length > 1);
        const lenient = { ...rules, maxLag: 1000 };
        const [best] = rankSources({ ...seen, alarms: [] }, lenient, slot);

        expect(best?.eligible).toBe(true);
      }),
      runs,
    );
  });
});
