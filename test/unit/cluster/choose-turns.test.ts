/** Whose turn a slot is, as every daemon finds it out for itself. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Turn, turnIn } from '../../../src/cluster/choose.ts';
import type { Member, Survey } from '../../../src/cluster/port.ts';
import { corrupt, member, silent, slot, survey } from './surveys.ts';

const leader = member('a1');
const [left, right] = [member('b2'), member('c3')];

/** The line for a slot: each member asks for its own turn, as the daemon beside it does. */
function lineOf(seen: Survey, at = slot): string[] {
  const turns = seen.members.map(({ id }): [string, Turn | undefined] => [
    id,
    turnIn(seen, id, at),
  ]);
  return turns
    .toSorted(([, one], [, other]) => Number(one?.rank) - Number(other?.rank))
    .map(([id]) => id.replace(/^0+/, ''));
}

function slotsOf(everyMs: number, count: number): Date[] {
  return Array.from({ length: count }, (_, at) => new Date(slot.getTime() + at * everyMs));
}

describe('the daemons of a cluster', () => {
  test('agree on one line, in whatever order they heard of the members', () => {
    const ids = ['a1', 'b2', 'c3', 'd4', 'e5'];
    const anyMembers = fc.shuffledSubarray(ids, { minLength: 1 }).chain((some) =>
      fc.tuple(
        ...some.map((id) =>
          fc
            .record({ answers: fc.boolean(), learner: fc.boolean(), lag: fc.nat(5000) })
            .map(({ answers, learner, lag }): Member => {
              const told = { appliedIndex: 9000n - BigInt(lag) };
              return member(id, { learner, told, ...(answers ? {} : { status: silent }) });
            }),
        ),
      ),
    );

    fc.assert(
      fc.property(anyMembers, fc.date({ noInvalidDate: true }), (members, at) => {
        const ranks = members.map(({ id }) => turnIn(survey(members), id, at));

        expect(ranks.map((turn) => turn?.rank).toSorted()).toEqual(members.map((_, rank) => rank));
        expect(lineOf(survey(members.toReversed()), at)).toEqual(lineOf(survey(members), at));
      }),
      { numRuns: 500 },
    );
  });

  test('agree though the one finds another member too far behind for a source', () => {
    const behind = member('b2', { told: { appliedIndex: 1n } });

    for (const at of slotsOf(3_600_000, 50)) {
      expect(lineOf(survey([leader, behind, right]), at)).toEqual(
        lineOf(survey([leader, left, right]), at),
      );
    }
  });

  test.each([
    ['every ten seconds', 10_000],
    ['every minute', 60_000],
    ['every hour', 3_600_000],
    ['every day', 86_400_000],
  ])('have a fair share each of slots that come %s', (_, everyMs) => {
    const firsts = new Map<string, number>();

    for (const at of slotsOf(everyMs, 600)) {
      const [first = ''] = lineOf(survey([left, right, member('d4')]), at);
      firsts.set(first, (firsts.get(first) ?? 0) + 1);
    }

    expect([...firsts.keys()].toSorted()).toEqual(['b2', 'c3', 'd4']);
    for (const count of firsts.values()) expect(count).toBeGreaterThan(120);
  });

  test('leave the host of the leader for the end, and that of a dead member behind it', () => {
    const dead = member('b2', { status: silent });
    const doubtful = member('d4');

    for (const at of slotsOf(3_600_000, 50)) {
      const line = lineOf(survey([dead, leader, right, doubtful], [corrupt('d4')]), at);

      expect(line.slice(0, 2)).toEqual(['c3', 'a1']);
    }
  });
});

test('who stands beside no member of the cluster has no turn', () => {
  expect(turnIn(survey([leader, left]), 'm-z9', slot)).toBeUndefined();
  expect(turnIn(survey([leader, left]), null, slot)).toBeUndefined();
});
