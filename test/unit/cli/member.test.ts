/** What the command member shows: lists and plans, as golden files, and what it refuses. */
import { describe, expect, test } from 'vitest';
import { memberRows, memberTable } from '../../../src/cli/member-list.ts';
import { planJson, planText } from '../../../src/cli/member-plan.ts';
import { json } from '../../../src/cli/table.ts';
import type { Member } from '../../../src/cluster/port.ts';
import { memberId } from '../../../src/core/backup.ts';
import { planReplacement, type ReplaceOrder } from '../../../src/engine/replace-member.ts';
import { FakeRoster, unstarted } from '../../support/fake-roster.ts';
import { corrupt, member, silent, survey } from '../cluster/surveys.ts';
import { call, complaintOf, expectGolden, place } from './calling.ts';
import { today } from './stocked.ts';

const { signal } = new AbortController();

/** A leader that is ahead, a dead follower, one that lags and one that is a learner. */
const mixed = [
  member('c3', { told: { appliedIndex: 8990n, databaseBytes: 3_221_225_472 } }),
  member('b2', { status: silent }),
  member('a1'),
  member('d4', { learner: true, told: { serverVersion: '3.6.14' } }),
];

async function planned(members: readonly Member[], changes: Partial<ReplaceOrder> = {}) {
  const roster = new FakeRoster(members);
  const deps = { cluster: roster, membership: roster, observe: () => undefined };
  const rest = { peerUrls: [], newName: null, learner: false, force: false };
  const plan = await planReplacement({ named: 'm-b2', ...rest, ...changes }, deps, { signal });
  return { plan, dataDir: '/var/lib/etcd/', now: today, added: null };
}

const oneDead = [member('a1'), member('b2', { status: silent }), member('c3')];

describe('the list of members', () => {
  test('shows each by name, and plainly why one does not answer', () => {
    const rows = memberRows(survey(mixed));

    expectGolden('member-list.txt', memberTable(rows));
    expectGolden('member-list.json', json(rows));
  });

  test('tells one that has not started, one that is cut off and one that is corrupt', () => {
    const cut = member('b2', { told: { leader: undefined } });
    const rows = memberRows(
      survey([member('a1'), cut, member('c3'), unstarted('d4')], [corrupt('c3')]),
    );

    expect(memberTable(rows).split('\n\n')[1]).toBe(
      '00000000000000d4 was added but has not started\n' +
        'm-b2 answers, but does not follow the leader of the others\n' +
        'm-c3 has the alarm CORRUPT: its data differs from that of the others\n',
    );
  });

  test('has nothing behind the table where all are healthy', () => {
    expect(memberTable(memberRows(survey([member('a1')]))).split('\n')).toHaveLength(3);
  });
});

describe('the plan of a replacement', () => {
  test('shows each step with the quorum, what to paste, and that nothing was changed', async () => {
    const shown = await planned(oneDead);

    expectGolden('member-replace.txt', planText(shown));
    expectGolden('member-replace.json', json(planJson(shown)));
  });

  test('that is done tells the id and what is left to do', async () => {
    const peerUrls = ['https://10.0.0.9:2380'];
    const shown = await planned(oneDead, { peerUrls, learner: true });

    const added = memberId('f0');
    expectGolden('member-replace-done.txt', planText({ ...shown, added }));
    expect(planJson({ ...shown, added })).toMatchObject({ changed: true, add: { id: added } });
  });

  test('that is not safe shows where the quorum is lost, and nothing to paste', async () => {
    const shown = await planned([...oneDead.slice(0, 2), member('c3', { status: silent })]);

    expectGolden('member-replace-unsafe.txt', planText(shown));
    expect(planJson(shown)).toMatchObject({ safe: false, changed: false });
  });

  test('of a member that is out already says that it is taken for removed', async () => {
    const shown = await planned([member('a1'), member('c3')], { peerUrls: ['http://m-b2:2380'] });

    expect(planText(shown)).toContain(
      '2. No member is named m-b2: it is taken for removed already\n' +
        '3. Add m-b2 at http://m-b2:2380 as a voter\n',
    );
  });

  test('of a member that was added before only says how to start it', async () => {
    const waiting = { ...unstarted('f0'), peerUrls: ['http://m-b2:2380'] };
    const shown = await planned([member('a1'), member('c3'), waiting], {
      peerUrls: waiting.peerUrls,
    });

    const text = planText({ ...shown, added: waiting.id });

    expect(text).toContain('1. It was added before (00000000000000f0) and has not started');
    expect(text).not.toMatch(/^[23]\./m);
    expect(text).toMatch(/Nothing was changed: steps 4 and 5 are what is left\.\n$/);
    expect(planJson({ ...shown, added: waiting.id })).toMatchObject({ changed: false });
  });

  test('moves nothing but the folder "member" of the data directory, in quotes if it must', async () => {
    const shown = await planned(oneDead);

    expect(planJson({ ...shown, dataDir: "/data/it's etcd" })).toMatchObject({
      commands: [
        'systemctl stop etcd',
        `mv '/data/it'\\''s etcd/member' '/data/it'\\''s etcd/member.failed-20261121T000000Z'`,
        'systemctl start etcd',
        'etcd-backupd member list',
      ],
    });
    expect(planJson({ ...shown, dataDir: '/' })).toMatchObject({
      commands: expect.arrayContaining(['mv /member /member.failed-20261121T000000Z']),
    });
  });
});

describe('the command', () => {
  test.each([
    [['member', 'list', 'm1'], 'member takes list, or replace NAME'],
    [['member', 'replace'], 'member takes list, or replace NAME'],
    [['member', 'remove', 'm1'], 'member takes list, or replace NAME'],
    [['member'], 'usage: etcd-backupd member list|replace [NAME|ID] [options]'],
  ])('refuses words that do not belong together: %j', async (words, said) => {
    const told = await call([...words, ...place().words]);

    expect(told).toMatchObject({ code: 'usage', out: '' });
    expect(complaintOf(told)).toBe(said);
  });

  test.each([[['list']], [['replace', 'm1', '--peer-url', 'http://a:1', '--yes']]])(
    'says that nobody answers: member %j',
    async (words) => {
      const told = await call(['member', ...words, ...place().words]);

      expect(told).toMatchObject({ code: 'cluster-unreachable', out: '' });
    },
  );
});
