/** Surveys of made-up clusters, for what is decided from them. */
import type { ChooseRules, Judgement } from '../../../src/cluster/choose.ts';
import type { Alarm, Member, MemberStatus, Survey } from '../../../src/cluster/port.ts';
import { clusterId, memberId, revision } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';

export const leaderId = memberId('a1');
export const wholeCluster = memberId('0');
export const slot = new Date('2026-11-20T15:45:00Z');

const status: MemberStatus = {
  serverVersion: '3.5.30',
  storageVersion: undefined,
  databaseBytes: 1_048_576,
  inUseBytes: 524_288,
  leader: leaderId,
  raftTerm: 4n,
  raftIndex: 9000n,
  appliedIndex: 9000n,
  revision: revision(500n),
};

/** A healthy follower, named for the digits of its id, unless told otherwise. */
export function member(
  id: string,
  { told = {}, ...changes }: Partial<Member> & { readonly told?: Partial<MemberStatus> } = {},
): Member {
  const name = `m-${id}`;
  const clientUrls = [`https://${name}.etcd.example:2379`];
  return {
    id: memberId(id),
    name,
    clientUrls,
    peerUrls: [`https://${name}.etcd.example:2380`],
    learner: false,
    endpoint: clientUrls[0],
    status: { ...status, ...told },
    ...changes,
  };
}

export function survey(
  members: readonly Member[],
  alarms: readonly Alarm[] | Failure = [],
): Survey {
  return { clusterId: clusterId('c0ffee'), members, alarms };
}

export function corrupt(id: string): Alarm {
  return { member: memberId(id), kind: 'CORRUPT' };
}

export function rules(changes: Partial<ChooseRules> = {}): ChooseRules {
  return { allowLeader: 'alone', maxLag: 100, localMember: null, ...changes };
}

export const silent = new Failure('cluster-unreachable', 'https://x:2379: connection refused');

/** What matters of the answer, best first. */
export function told(judgements: readonly Judgement[]) {
  return judgements.map(({ member: { name }, eligible, role, reason }) => {
    return { name, eligible, role, reason };
  });
}
