import { describe, expect, test } from 'vitest';
import { noSource, rankSources } from '../../../src/cluster/choose.ts';
import type { Alarm, Member } from '../../../src/cluster/port.ts';
import type { Failure } from '../../../src/core/errors.ts';
import { corrupt, member, rules, silent, slot, survey, told } from './surveys.ts';

const leader = member('a1');
const [left, right] = [member('b2'), member('c3')];

/** The judgement of one member among a healthy leader and follower. */
function judgementOf(one: Member, alarms: readonly Alarm[] | Failure = []) {
  const [found] = told(
    rankSources(survey([leader, left, one], alarms), rules(), slot).filter(
      ({ member: { id } }) => id === one.id,
    ),
  );
  return found;
}

describe('a member', () => {
  test('that is a healthy voter and not the leader can be the source', () => {
    expect(judgementOf(right)).toEqual({
      name: 'm-c3',
      eligible: true,
      role: 'follower',
      reason: 'healthy follower, up to date',
    });
  });

  test('that leads leaves the work to the others', () => {
    expect(judgementOf(leader)).toEqual({
      name: 'm-a1',
      eligible: false,
      role: 'leader',
      reason: 'is the leader, and others can serve',
    });
  });

  test('that is a learner is none, though it answers well', () => {
    expect(judgementOf(member('c3', { learner: true }))).toEqual({
      name: 'm-c3',
      eligible: false,
      role: 'learner',
      reason: 'is a learner: it may hold half of the data',
    });
  });

  test('that has not started yet is none', () => {
    const added = member('c3', { name: '', clientUrls: [], endpoint: undefined, status: silent });

    expect(judgementOf(added)).toEqual({
      name: '',
      eligible: false,
      role: 'unknown',
      reason: 'was added but has not started',
    });
  });

  test('that gives no answer is none, and says what came instead', () => {
    expect(judgementOf(member('c3', { status: silent }))).toEqual({
      name: 'm-c3',
      eligible: false,
      role: 'unknown',
      reason: 'gave no answer: https://x:2379: connection refused',
    });
  });
});

describe('the alarm CORRUPT', () => {
  test('keeps its member from being the source, and nobody else', () => {
    const ranked = told(rankSources(survey([leader, left, right], [corrupt('b2')]), rules(), slot));

    expect(ranked.map(({ name, eligible }) => [name, eligible])).toEqual([
      ['m-c3', true],
      expect.anything(),
      expect.anything(),
    ]);
    expect(ranked).toContainEqual({
      name: 'm-b2',
      eligible: false,
      role: 'follower',
      reason: 'has the alarm CORRUPT',
    });
  });

  test('for the whole cluster keeps every member from it', () => {
    const ranked = told(rankSources(survey([leader, left, right], [corrupt('0')]), rules(), slot));

    expect(new Set(ranked.map(({ eligible, reason }) => `${eligible}: ${reason}`))).toEqual(
      new Set(['false: is suspect: the whole cluster has the alarm CORRUPT']),
    );
  });

  test.each(['NOSPACE', 'UNKNOWN'] as const)('is not the alarm %s', (kind) => {
    expect(judgementOf(right, [{ member: right.id, kind }])?.eligible).toBe(true);
  });

  test('is not assumed where alarms could not be asked for', () => {
    expect(judgementOf(right, silent)?.eligible).toBe(true);
  });
});

describe('the lag', () => {
  const behind = (entries: bigint) =>
    member('c3', { told: { raftIndex: 9000n, appliedIndex: 9000n - entries } });

  test('up to its limit is told and allowed', () => {
    expect(judgementOf(behind(100n))).toMatchObject({
      eligible: true,
      reason: 'healthy follower, 100 entries behind',
    });
  });

  test('above its limit is refused, with both numbers', () => {
    expect(judgementOf(behind(101n))).toMatchObject({
      eligible: false,
      role: 'follower',
      reason: 'is 101 entries behind, more than 100',
    });
  });

  test('counts from the log of the leader, not from the one of the member', () => {
    const cutOff = member('c3', { told: { raftIndex: 8000n, appliedIndex: 8000n } });

    expect(judgementOf(cutOff)?.reason).toBe('is 1000 entries behind, more than 100');
  });

  test('counts from the longest log where the leader gives no answer', () => {
    const gone = member('a1', { status: silent });
    const old = member('c3', { told: { raftIndex: 8000n, appliedIndex: 8000n } });

    const ranked = told(rankSources(survey([gone, left, old]), rules(), slot));

    expect(ranked[0]).toMatchObject({ name: 'm-b2', reason: 'healthy follower, up to date' });
    expect(ranked).toContainEqual(
      expect.objectContaining({ name: 'm-c3', reason: 'is 1000 entries behind, more than 100' }),
    );
  });

  test('of a member that is ahead of the answer of the leader is none', () => {
    const ahead = member('c3', { told: { raftIndex: 9005n, appliedIndex: 9005n } });

    expect(judgementOf(ahead)?.reason).toBe('healthy follower, up to date');
  });

  test('is exact where indexes are larger than any double', () => {
    const index = 2n ** 63n;
    const first = member('a1', { told: { raftIndex: index, appliedIndex: index } });
    const other = member('b2', { told: { raftIndex: index, appliedIndex: index - 1n } });

    const [best] = told(rankSources(survey([first, other]), rules({ maxLag: 0 }), slot));

    expect(best).toMatchObject({ name: 'm-a1', eligible: true });
  });
});

describe('without a leader', () => {
  const leaderless = (id: string) => member(id, { told: { leader: undefined } });

  test('every voter that answers is a good source, and says why not everything can be known', () => {
    const alone = survey([leaderless('a1'), member('b2', { status: silent })]);

    const ranked = told(rankSources(alone, rules({ allowLeader: 'never' }), slot));

    expect(ranked[0]).toEqual({
      name: 'm-a1',
      eligible: true,
      role: 'follower',
      reason: 'healthy, but the cluster has no leader',
    });
    expect(ranked[1]?.eligible).toBe(false);
  });
});

describe('no source', () => {
  test('names every member with its reason', () => {
    const members = [
      member('a1'),
      member('b2', { learner: true }),
      member('c3', { status: silent }),
    ];
    const ranked = rankSources(survey(members), rules({ allowLeader: 'never' }), slot);

    const failure = noSource(ranked);

    expect(failure).toMatchObject({ code: 'no-source', retryable: true });
    expect(failure.message).toMatch(/^no member can be the source: /);
    const reasons = failure.message.replace('no member can be the source: ', '').split('; ');
    expect(reasons.toSorted()).toEqual([
      'm-a1 is the leader: source.allowLeader is never',
      'm-b2 is a learner: it may hold half of the data',
      'm-c3 gave no answer: https://x:2379: connection refused',
    ]);
  });

  test('names a member that has no name yet by its id', () => {
    const added = member('c3', { name: '', clientUrls: [], endpoint: undefined });

    expect(noSource(rankSources(survey([added]), rules(), slot)).message).toContain(
      '00000000000000c3 was added but has not started',
    );
  });
});
