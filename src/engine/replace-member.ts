/** Replaces a member that failed: planned and judged first, then taken out and added anew. */
import type { Membership } from '../cluster/membership-port.ts';
import type { Cluster, Member, Survey } from '../cluster/port.ts';
import type { ClusterId, MemberId } from '../core/backup.ts';
import { Failure, toFailure } from '../core/errors.ts';
import { formatInitialCluster, parseInitialCluster } from '../core/initial-cluster.ts';
import { shellWord } from '../core/shell-word.ts';
import type { EngineDeps } from './deps.ts';
import { healthOf, type Judgement, judgeReplacement, leaderOf } from './quorum.ts';

export interface ReplaceDeps extends Pick<EngineDeps, 'observe'> {
  readonly cluster: Pick<Cluster, 'survey' | 'confirmedRevision'>;
  readonly membership: Membership;
}

export interface ReplaceOrder {
  /** Name or id of the member. */
  readonly named: string;
  /** Empty: those of the old member. */
  readonly peerUrls: readonly string[];
  /** Of the new process; null: that of the old one. */
  readonly newName: string | null;
  readonly learner: boolean;
  readonly force: boolean;
}

export interface ReplacePlan {
  readonly order: ReplaceOrder;
  readonly survey: Survey;
  /** Who leaves; null when it is out already. */
  readonly target: Member | null;
  /** Who was added by an earlier call and has not started: only that is left to do. */
  readonly waiting: Member | null;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly learner: boolean;
  readonly judgement: Judgement;
  /** Whom the cluster is changed through; null when nobody can. */
  readonly via: Member | null;
  /** What the new process is to be started with, as etcd's environment variables. */
  readonly variables: Readonly<Record<string, string>>;
}

interface Limits {
  readonly signal: AbortSignal;
}

/** Changes nothing. Throws `usage` for a member that nobody knows, or that cannot be added so. */
export async function planReplacement(
  order: ReplaceOrder,
  deps: ReplaceDeps,
  limits: Limits,
): Promise<ReplacePlan> {
  const survey = await deps.cluster.survey(limits);
  const { target, waiting } = findMember(survey, order);
  const name = order.newName ?? (target === null ? order.named : target.name);
  const peerUrls = order.peerUrls.length > 0 ? order.peerUrls : (target?.peerUrls ?? []);
  const learner = order.learner || (target?.learner ?? false) || (waiting?.learner ?? false);
  const rest = survey.members.filter(({ id }) => id !== target?.id && id !== waiting?.id);
  requireNew({ name, peerUrls }, rest);

  const via = asker(survey, target);
  const asked = { target, name: nameOf(target) ?? name, learner, force: order.force };
  const judged = judgeReplacement(survey, asked);
  const judgement = waiting === null ? await confirm(judged, via, deps, limits) : noObjection;
  const others = rest.map((member) => ({ name: nameOf(member) ?? '', peerUrls: member.peerUrls }));
  const variables = {
    ETCD_NAME: name,
    ETCD_INITIAL_CLUSTER: formatInitialCluster([...others, { name, peerUrls }]),
    ETCD_INITIAL_CLUSTER_STATE: 'existing',
    ETCD_INITIAL_ADVERTISE_PEER_URLS: peerUrls.join(','),
  };
  return { order, survey, target, waiting, name, peerUrls, learner, judgement, via, variables };
}

const noObjection: Judgement = { stages: [], objections: [] };

/** The first objection as `quorum-at-risk`, or undefined when the plan is safe. */
export function objectionTo({ judgement }: ReplacePlan): Failure | undefined {
  const [first] = judgement.objections;
  if (first === undefined) return undefined;
  const reasons = judgement.objections.map(({ reason }) => reason).join('; ');
  return new Failure('quorum-at-risk', reasons, { hint: first.hint });
}

/**
 * Does the plan and resolves with the id of the new member. Throws `quorum-at-risk` and changes
 * nothing when it is not safe. Where the adding fails, the hint is the command that finishes it.
 */
export async function replaceMember(
  plan: ReplacePlan,
  deps: ReplaceDeps,
  limits: Limits,
): Promise<MemberId> {
  const objection = objectionTo(plan);
  if (objection !== undefined) throw objection;
  const { target, waiting, via } = plan;
  if (waiting !== null) return waiting.id;
  if (via === null) throw new Failure('quorum-at-risk', 'no voter can be asked for the change');
  const asked = { via, ...limits };
  if (target !== null) await removeTarget(plan, target, asked, deps);
  return addAnew(plan, asked, deps);
}

type Asked = Parameters<Membership['add']>[1];

async function removeTarget(
  { survey }: ReplacePlan,
  target: Member,
  asked: Asked,
  { membership, observe }: ReplaceDeps,
): Promise<void> {
  try {
    await membership.remove(target.id, asked);
  } catch (error) {
    asked.signal.throwIfAborted();
    const { code, message } = toFailure(error);
    throw new Failure(code, `${nameOf(target)} was not removed: ${message}`, {
      cause: error,
      hint: 'See with "etcd-backupd member list" whether it is still there, and try again.',
    });
  }
  const { id: member, name } = target;
  observe({ kind: 'member-removed', cluster: survey.clusterId, member, name });
}

async function addAnew(
  plan: ReplacePlan,
  asked: Asked,
  { membership, observe }: ReplaceDeps,
): Promise<MemberId> {
  const { name, peerUrls, learner, target } = plan;
  const cluster: ClusterId = plan.survey.clusterId;
  try {
    const member = await membership.add({ peerUrls, learner }, asked);
    observe({ kind: 'member-added', cluster, member, name, peerUrls, learner });
    return member;
  } catch (error) {
    const { code, message } = toFailure(error);
    const state =
      target === null ? `${name} was` : `${nameOf(target)} was removed, but its successor was`;
    throw new Failure(code, `${state} not added: ${message}`, {
      cause: error,
      hint: `Finish it, with the same configuration: ${finishingCommand(plan)}`,
    });
  }
}

/** Adds the member when it is out already; safe to call again once it was added. */
export function finishingCommand({ name, peerUrls, learner, order }: ReplacePlan): string {
  const words = [
    ...['etcd-backupd', 'member', 'replace', name],
    ...peerUrls.flatMap((url) => ['--peer-url', url]),
    ...(learner ? ['--learner'] : []),
    ...(order.force ? ['--force'] : []),
    '--yes',
  ];
  return words.map(shellWord).join(' ');
}

/** By name or id; else, with peer URLs given, it is taken for removed by an earlier call. */
function findMember(
  { members }: Survey,
  { named, peerUrls }: ReplaceOrder,
): Pick<ReplacePlan, 'target' | 'waiting'> {
  const found = members.filter((each) => each.name === named || isId(named, each.id));
  if (found.length > 1) {
    const ids = found.map(({ id }) => id).join(', ');
    throw new Failure('usage', `${found.length} members are named ${named}: ${ids}`, {
      hint: 'Name the member by its id.',
    });
  }
  const [target] = found;
  if (target !== undefined) return { target, waiting: null };
  if (peerUrls.length === 0) throw unknownMember(named, members);
  const waiting = members.find(
    (each) => healthOf(each) === 'unstarted' && same(each.peerUrls, peerUrls),
  );
  return { target: null, waiting: waiting ?? null };
}

function isId(named: string, id: MemberId): boolean {
  return /^[0-9a-f]{1,16}$/i.test(named) && named.toLowerCase().padStart(16, '0') === id;
}

function same(left: readonly string[], right: readonly string[]): boolean {
  return left.toSorted().join() === right.toSorted().join();
}

function unknownMember(named: string, members: readonly Member[]): Failure {
  const known = members.map((each) => {
    return each.name || `${each.id} (not started, ${each.peerUrls.join(', ')})`;
  });
  return new Failure('usage', `no member has the name or id ${named}: ${known.join(', ')}`, {
    hint: 'If it is removed already, name the peer URL to add it with: --peer-url URL',
  });
}

/** etcd would refuse these only after the old member is out. */
function requireNew(
  { name, peerUrls }: { readonly name: string; readonly peerUrls: readonly string[] },
  rest: readonly Member[],
): void {
  if (name === '') {
    throw new Failure('usage', 'the member has no name', {
      hint: 'Say how the new process is named: --name NAME',
    });
  }
  parseInitialCluster(formatInitialCluster([{ name, peerUrls }]));
  const namesake = rest.find((each) => each.name === name);
  if (namesake !== undefined) {
    throw new Failure('usage', `another member is named ${name}: ${namesake.id}`);
  }
  const taken = rest.find((each) => each.peerUrls.some((url) => peerUrls.includes(url)));
  if (taken === undefined) return;
  throw new Failure('usage', `${nameOf(taken)} has the peer URL ${taken.peerUrls.join(', ')}`);
}

/** A healthy voter that stays, the leader before the others. */
function asker(survey: Survey, target: Member | null): Member | null {
  const leader = leaderOf(survey);
  const able = survey.members.filter(
    (each) => !each.learner && each.id !== target?.id && healthOf(each, leader) === 'healthy',
  );
  return able.find(({ id }) => id === leader) ?? able[0] ?? null;
}

/** The count tells who should be able to decide; a confirmed read shows that they do. */
async function confirm(
  judgement: Judgement,
  via: Member | null,
  { cluster }: ReplaceDeps,
  limits: Limits,
): Promise<Judgement> {
  if (judgement.objections.length > 0 || via === null) return judgement;
  try {
    await cluster.confirmedRevision(via, limits);
    return judgement;
  } catch (error) {
    limits.signal.throwIfAborted();
    const reason = `the cluster confirms nothing now: ${toFailure(error).message}`;
    const hint = 'Nothing was changed. Try again once "etcd-backupd check" confirms a revision.';
    return { ...judgement, objections: [{ reason, hint }] };
  }
}

function nameOf(member: Member | null): string | undefined {
  return member === null ? undefined : member.name || member.id;
}
