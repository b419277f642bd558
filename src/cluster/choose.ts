/** Which member to take a snapshot from, and why. Pure: the same survey gives the same answer. */
import { Failure } from '../core/errors.ts';
import type { Alarm, Member, MemberStatus, Survey } from './port.ts';

export interface ChooseRules {
  /** `alone`: only when no other voter can be the source. */
  readonly allowLeader: 'never' | 'alone' | 'always';
  /** Raft entries that a source may be behind the leader. */
  readonly maxLag: number;
  /** Name, id, or host of the client URL of the member beside this program; asked first. */
  readonly localMember: string | null;
}

export type MemberRole = 'leader' | 'follower' | 'learner' | 'unknown';

export interface Judgement {
  readonly member: Member;
  readonly eligible: boolean;
  readonly role: MemberRole;
  /** For people: what makes it a source, or keeps it from being one. */
  readonly reason: string;
}

const wholeCluster = '0'.repeat(16);

/**
 * Every member with its judgement: sources first, in the order in which they should be asked. The
 * local member comes first, the leader last; between them the slot decides, so that the work goes
 * round. Without a quorum members know no leader and are good sources all the same.
 */
export function rankSources(
  survey: Survey,
  rules: ChooseRules,
  slot: Date | null,
): readonly Judgement[] {
  const judged = survey.members.map((member) => judge(member, survey, rules));
  const others = judged.some(({ eligible, role }) => eligible && role !== 'leader');
  const settled = judged.map((each) => settleLeader(each, others, rules));
  return settled.sort(
    (a, b) =>
      rank(a, rules) - rank(b, rules) ||
      lot(a, slot) - lot(b, slot) ||
      (a.member.id < b.member.id ? -1 : 1),
  );
}

/** Where a daemon stands in the line of those that back up one cluster. */
export interface Turn {
  /** 0: it goes first. */
  readonly rank: number;
  /** How many stand in the line. */
  readonly of: number;
}

// Nobody's own settings, nor the lag of a moment: daemons that see one cluster have to agree.
const sharedRules: ChooseRules = {
  allowLeader: 'alone',
  maxLag: Number.MAX_SAFE_INTEGER,
  localMember: null,
};

/**
 * The turn of the daemon beside a member: first is whose member is the best source of the slot.
 * Undefined where the cluster has no such member.
 */
export function turnIn(survey: Survey, local: string | null, slot: Date): Turn | undefined {
  const line = rankSources(survey, sharedRules, slot);
  const rank = line.findIndex(({ member }) => isLocal(member, local));
  return rank === -1 ? undefined : { rank, of: line.length };
}

/** Why there is no source, member by member. */
export function noSource(judgements: readonly Judgement[]): Failure {
  const reasons = judgements.map(({ member, reason }) => `${member.name || member.id} ${reason}`);
  return new Failure('no-source', `no member can be the source: ${reasons.join('; ')}`);
}

function judge(member: Member, survey: Survey, rules: ChooseRules): Judgement {
  const { status } = member;
  const refuse = (role: MemberRole, reason: string): Judgement => {
    return { member, eligible: false, role, reason };
  };
  if (member.learner) return refuse('learner', 'is a learner: it may hold half of the data');
  if (member.clientUrls.length === 0) return refuse('unknown', 'was added but has not started');
  if (status instanceof Failure) return refuse('unknown', `gave no answer: ${status.message}`);

  const role = status.leader === member.id ? 'leader' : 'follower';
  const corrupt = corruptAlarm(survey.alarms, member);
  if (corrupt !== undefined) return refuse(role, corrupt);
  const lag = lagOf(status, survey.members);
  if (lag > BigInt(rules.maxLag)) {
    return refuse(role, `is ${lag} entries behind, more than ${rules.maxLag}`);
  }
  return { member, eligible: true, role, reason: praise(role, status, lag) };
}

/**
 * etcd raises CORRUPT for a member, or for the whole cluster when no majority agrees. A backup of
 * suspect data must not look like a good one; `etcdctl snapshot save` still takes it as evidence.
 */
function corruptAlarm(alarms: Survey['alarms'], member: Member): string | undefined {
  if (alarms instanceof Failure) return undefined;
  const about = (alarm: Alarm) => alarm.member === member.id || alarm.member === wholeCluster;
  const found = alarms.find((alarm) => alarm.kind === 'CORRUPT' && about(alarm));
  if (found === undefined) return undefined;
  return found.member === member.id
    ? 'has the alarm CORRUPT'
    : 'is suspect: the whole cluster has the alarm CORRUPT';
}

/** Behind the leader's log, or behind the longest log seen when the leader is not known. */
export function lagOf(status: MemberStatus, members: readonly Member[]): bigint {
  const answered = members.flatMap((each) => (each.status instanceof Failure ? [] : [each]));
  const leader = answered.find(({ id }) => id === status.leader);
  const seen = leader === undefined ? answered : [leader];
  let newest = status.appliedIndex;
  for (const { status: told } of seen) {
    if (!(told instanceof Failure) && told.raftIndex > newest) newest = told.raftIndex;
  }
  return newest - status.appliedIndex;
}

function praise(role: MemberRole, status: MemberStatus, lag: bigint): string {
  if (status.leader === undefined) return 'healthy, but the cluster has no leader';
  const behind = lag === 0n ? 'up to date' : `${lag} entries behind`;
  return `healthy ${role}, ${behind}`;
}

function settleLeader(judged: Judgement, others: boolean, rules: ChooseRules): Judgement {
  if (judged.role !== 'leader' || !judged.eligible || rules.allowLeader === 'always') return judged;
  if (rules.allowLeader === 'never') {
    return { ...judged, eligible: false, reason: 'is the leader: source.allowLeader is never' };
  }
  if (others) return { ...judged, eligible: false, reason: 'is the leader, and others can serve' };
  return { ...judged, reason: `${judged.reason}; the leader, because nobody else can serve` };
}

function rank(judgement: Judgement, rules: ChooseRules): number {
  // Of those that are no source the leader is at least alive: its daemon stands in before others.
  if (!judgement.eligible) return judgement.role === 'leader' ? 3 : 4;
  if (judgement.role === 'leader') return 2;
  return isLocal(judgement.member, rules.localMember) ? 0 : 1;
}

function isLocal(member: Member, local: string | null): boolean {
  if (local === null) return false;
  const hosts = [...member.clientUrls, member.endpoint ?? ''].flatMap(hostsOf);
  return [member.name, member.id, member.id.replace(/^0+/, ''), ...hosts].includes(local);
}

function hostsOf(url: string): string[] {
  return URL.canParse(url) ? [new URL(url).hostname, new URL(url).host] : [];
}

/** FNV-1a, 32 bits, over member id and slot: spreads the members evenly over the slots. */
function lot({ member }: Judgement, slot: Date | null): number {
  let hash = 0x811c9dc5;
  for (const char of `${member.id} ${slot?.getTime() ?? 0}`) {
    hash = Math.imul(hash ^ (char.codePointAt(0) as number), 0x01000193) >>> 0;
  }
  return hash;
}
