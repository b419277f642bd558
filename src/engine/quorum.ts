/** Whether a member can be replaced and the cluster still decides at every step. Pure. */
import type { Member, Survey } from '../cluster/port.ts';
import type { MemberId } from '../core/backup.ts';
import { Failure } from '../core/errors.ts';

export type Health = 'healthy' | 'silent' | 'leaderless' | 'unstarted';

/** The cluster after a step: it decides while `healthy` is not below `quorum`. */
export interface Stage {
  readonly step: 'now' | 'removed' | 'added' | 'started';
  readonly voters: number;
  readonly healthy: number;
  readonly quorum: number;
}

export interface Objection {
  readonly reason: string;
  /** What to do about it. */
  readonly hint: string;
}

export interface Replacement {
  /** Null when it is out already. */
  readonly target: Member | null;
  /** For people: the target, or what will be added. */
  readonly name: string;
  /** Whether the new member begins as a learner. */
  readonly learner: boolean;
  /** Over a healthy target, and over other voters that are down; never over the quorum. */
  readonly force: boolean;
}

export interface Judgement {
  readonly stages: readonly Stage[];
  /** Empty when the replacement is safe. */
  readonly objections: readonly Objection[];
}

/** Whom the members follow: the leader of the highest term that any of them tells. */
export function leaderOf({ members }: Survey): MemberId | undefined {
  let leader: MemberId | undefined;
  let term = -1n;
  for (const { status } of members) {
    if (status instanceof Failure || status.leader === undefined || status.raftTerm <= term)
      continue;
    leader = status.leader;
    term = status.raftTerm;
  }
  return leader;
}

/** One that answers but follows no leader, or another one, is cut off from the others. */
export function healthOf({ status, name, clientUrls }: Member, leader?: MemberId): Health {
  if (name === '' && clientUrls.length === 0) return 'unstarted';
  if (status instanceof Failure) return 'silent';
  return status.leader !== undefined && status.leader === leader ? 'healthy' : 'leaderless';
}

/** Remove first, then add, then start: the order in which the quorum is never out of reach. */
export function judgeReplacement(survey: Survey, asked: Replacement): Judgement {
  const leader = leaderOf(survey);
  const stages = stagesOf(survey, asked, leader);
  const objections = [
    ...objectToCount(stages, asked),
    ...objectToTarget(survey, asked, leader),
    ...objectToOthers(survey, asked, leader),
  ];
  return { stages, objections };
}

function stagesOf(survey: Survey, { target, learner }: Replacement, leader?: MemberId): Stage[] {
  const voters = survey.members.filter((member) => !member.learner);
  const left = voters.filter(({ id }) => id !== target?.id);
  const healthy = (of: readonly Member[]): number =>
    of.filter((member) => healthOf(member, leader) === 'healthy').length;
  const added = learner ? 0 : 1;
  const stage = (step: Stage['step'], all: number, well: number): Stage => {
    return { step, voters: all, healthy: well, quorum: Math.floor(all / 2) + 1 };
  };
  return [
    stage('now', voters.length, healthy(voters)),
    ...(target === null ? [] : [stage('removed', left.length, healthy(left))]),
    stage('added', left.length + added, healthy(left)),
    stage('started', left.length + added, healthy(left) + added),
  ];
}

/** The first step without a quorum is told; what follows from it is not. */
function objectToCount(stages: readonly Stage[], asked: Replacement): Objection[] {
  const lost = stages.find(({ healthy, quorum }) => healthy < quorum);
  if (lost === undefined) return [];
  const { name } = asked;
  const count = `${lost.healthy} of ${lost.voters} voters healthy, ${lost.quorum} needed`;
  switch (lost.step) {
    case 'now':
      return [{ reason: `the cluster has no quorum: ${count}`, hint: restoreHint }];
    case 'removed':
      if (lost.voters === 0) {
        return [{ reason: `${name} is the only voter of the cluster`, hint: restoreHint }];
      }
      return [{ reason: `without ${name} the quorum is lost: ${count}`, hint: othersHint }];
    default:
      return [
        {
          reason: `${name}, once added and not started, loses the quorum: ${count}`,
          hint: learnerHint,
        },
      ];
  }
}

const restoreHint =
  'Nothing was changed. Bring its voters back; if they are lost, restore a backup instead.';
const othersHint = 'Nothing was changed. Bring the other voters back first.';
const learnerHint = 'Nothing was changed. Add it with --learner: a learner does not count.';

function objectToTarget(survey: Survey, asked: Replacement, leader?: MemberId): Objection[] {
  const { target, name, force } = asked;
  if (target === null) return [];
  const health = healthOf(target, leader);
  if (target.id === leader) {
    const seen = health === 'healthy' ? '' : ', so it lives, though it does not answer here';
    return [{ reason: `the members follow ${name} as their leader${seen}`, hint: leaderHint }];
  }
  if (health !== 'healthy' || force || hasCorruptAlarm(survey, target)) return [];
  return [
    {
      reason: `${name} is healthy`,
      hint: 'Nothing was changed. --force replaces a healthy member all the same.',
    },
  ];
}

const leaderHint =
  'Nothing was changed. Let another lead ("etcdctl move-leader"); where it just died, wait 10 s.';

function objectToOthers(survey: Survey, asked: Replacement, leader?: MemberId): Objection[] {
  const others = survey.members.filter(({ id }) => id !== asked.target?.id);
  const down = others.filter((each) => !each.learner && healthOf(each, leader) !== 'healthy');
  const objections: Objection[] = [];
  if (down.length > 0 && !asked.force) {
    const names = down.map(({ name, id }) => name || id).join(', ');
    const removals = down.map(({ id }) => `"etcdctl member remove ${id}"`).join(', ');
    objections.push({
      reason: `not healthy either: ${names}; most versions of etcd add nobody then`,
      hint:
        `Nothing was changed. Bring back ${names}, or take out all that are lost (${removals}) ` +
        'and then replace one after the other.',
    });
  }
  const learners = others.filter(({ learner }) => learner);
  if (asked.learner && learners.length > 0) {
    const [first] = learners as [Member];
    objections.push({
      reason: `${first.name || first.id} is a learner already, and etcd takes one at a time`,
      hint: 'Nothing was changed. Promote or remove that learner first, or leave out --learner.',
    });
  }
  return objections;
}

/** Its data is suspect, which is what a replacement is for. */
export function hasCorruptAlarm({ alarms }: Survey, { id }: Member): boolean {
  if (alarms instanceof Failure) return false;
  return alarms.some(({ member, kind }) => member === id && kind === 'CORRUPT');
}
