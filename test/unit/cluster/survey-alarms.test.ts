import { describe, expect, test } from 'vitest';
import { memberId } from '../../../src/core/backup.ts';
import { startMember } from './etcd-answers.ts';
import { refusing } from './grpc-server.ts';
import { one, Pair, surveyOf, two } from './pair.ts';

describe('the alarms', () => {
  test('are told with their member and their kind, known or not', async () => {
    const alarms = [
      [one, 1n],
      [0n, 2n],
      [two, 9n],
    ] as const;
    await using pair = await Pair.start({ alarms });

    expect((await surveyOf(pair.urls[0])).alarms).toEqual([
      { member: memberId(one), kind: 'NOSPACE' },
      { member: '0000000000000000', kind: 'CORRUPT' },
      { member: memberId(two), kind: 'UNKNOWN' },
    ]);
  });

  test('are asked of voters only, and of the next where one does not answer', async () => {
    const refuse = refusing(14, 'etcdserver: no leader');
    await using third = await startMember({ id: 3n, members: () => [] });
    await using pair = await Pair.start({ instead: { Alarm: refuse } }, { alarms: [[one, 2n]] });
    pair.told.unshift({ id: 3n, name: 'late', clientUrls: [third.url], learner: true });

    const { alarms, members } = await surveyOf(pair.urls[0]);

    expect(members[0]).toMatchObject({ learner: true, status: { serverVersion: '3.5.30' } });
    expect(alarms).toEqual([{ member: memberId(one), kind: 'CORRUPT' }]);
    expect(third.calls.map(({ method }) => method)).toEqual(['/etcdserverpb.Maintenance/Status']);
    expect(pair.asked(0)).toContain('Alarm');
  });

  test('are unknown where no voter tells them, not absent', async () => {
    const instead = { Alarm: refusing(14, 'etcdserver: no leader') };
    await using pair = await Pair.start({ instead }, { instead });

    const { alarms } = await surveyOf(pair.urls[0]);

    expect(alarms).toMatchObject({ code: 'cluster-unreachable' });
    expect(String(alarms)).toContain('the cluster has no leader now');
  });
});
