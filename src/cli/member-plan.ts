/** The replacement of a member, step by step, with what is to be pasted on its host. */
import { shellWord } from '../core/shell-word.ts';
import type { Stage } from '../engine/quorum.ts';
import type { ReplacePlan } from '../engine/replace-member.ts';
import { memberRows } from './member-list.ts';
import { table } from './table.ts';

export interface ShownPlan {
  readonly plan: ReplacePlan;
  /** Of etcd on the failed host. */
  readonly dataDir: string;
  readonly now: Date;
  /** Id of the new member, once it is there. */
  readonly added: string | null;
}

export function planJson(shown: ShownPlan): unknown {
  const { plan, added } = shown;
  const { survey, target, waiting, judgement, name, peerUrls, learner, variables } = plan;
  return {
    cluster: survey.clusterId,
    changed: added !== null && waiting === null,
    safe: judgement.objections.length === 0,
    objections: judgement.objections,
    stages: judgement.stages,
    remove: target && { id: target.id, name: target.name, learner: target.learner },
    add: { name, peerUrls, learner, id: added },
    variables,
    commands: hostCommands(shown),
  };
}

export function planText(shown: ShownPlan): string {
  const { plan } = shown;
  const parts =
    plan.judgement.objections.length > 0
      ? [title(plan), safety(plan)]
      : [title(plan), safety(plan), changes(shown), start(shown), promotion(shown), ending(shown)];
  return parts.filter((part) => part !== '').join('\n');
}

function title({ survey, target, name }: ReplacePlan): string {
  const who = target === null ? name : `${target.name || target.id} (${target.id})`;
  return `Replace member ${who} of cluster ${survey.clusterId}\n`;
}

function safety({ judgement, survey, name, target, waiting }: ReplacePlan): string {
  if (waiting !== null) {
    return `1. It was added before (${waiting.id}) and has not started: start it.\n`;
  }
  const { stages, objections } = judgement;
  const safe = objections.length === 0;
  const answer = safe ? 'Yes: the quorum holds at every step.' : 'NO:';
  const old = target?.name || target?.id || name;
  const label: Record<Stage['step'], string> = {
    now: 'now',
    removed: `${old} removed`,
    added: `new ${name} added, not started`,
    started: `new ${name} started`,
  };
  const counts = stages.map(({ step, voters, healthy, quorum }) => {
    const spare = healthy < quorum ? 'QUORUM LOST' : `${healthy - quorum}`;
    return [label[step], `${voters}`, `${quorum}`, `${healthy}`, spare];
  });
  return [
    `1. Is it safe? ${answer}\n`,
    ...objections.map(({ reason }) => `   - ${reason}\n`),
    '\n',
    indented(table([['STEP', 'VOTERS', 'QUORUM', 'HEALTHY', 'MAY FAIL'], ...counts])),
    '\n',
    indented(table(memberLines(survey))),
  ].join('');
}

function memberLines(survey: ReplacePlan['survey']): string[][] {
  return memberRows(survey).map(({ name, id, role, leader, reason }) => {
    return [name || id, leader ? 'leader' : role, reason ?? 'healthy'];
  });
}

function changes({ plan, added }: ShownPlan): string {
  const { target, waiting, name, peerUrls, learner } = plan;
  if (waiting !== null) return '';
  const id = added === null ? '' : `, with the id ${added}`;
  const removal =
    target === null
      ? `No member is named ${plan.order.named}: it is taken for removed already`
      : `${added === null ? 'Remove' : 'Removed'} ${target.name || target.id} from the cluster`;
  return (
    `2. ${removal}\n` +
    `3. ${added === null ? 'Add' : 'Added'} ${name} at ${peerUrls.join(', ')} ` +
    `as a ${learner ? 'learner' : 'voter'}${id}\n`
  );
}

function start(shown: ShownPlan): string {
  const { plan } = shown;
  const { target, peerUrls, name } = plan;
  const moved = target === null || target.peerUrls.join() !== peerUrls.join();
  const lines = Object.entries(plan.variables).map(
    ([key, value]) => `${key}=${shellWord(value)}\n`,
  );
  return [
    `4. Give the new process of ${name} these variables. A flag of the same name wins over its\n`,
    '   variable: change it there. Nothing else changes, and no token is needed.\n',
    ...(moved ? ['   ETCD_LISTEN_PEER_URLS must fit the peer URL.\n'] : []),
    '\n',
    ...lines,
    '\n',
    '5. On its host move aside what the old process left (never remove it; a new host has\n',
    '   nothing to move), start etcd as you do there, and look:\n',
    '\n',
    ...hostCommands(shown).map((command) => `${command}\n`),
  ].join('');
}

/** Only the folder `member` is moved: the data directory may be a mount, and keeps its owner. */
function hostCommands({ dataDir, now }: ShownPlan): string[] {
  const stamp = now.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const member = `${dataDir.replace(/\/+$/, '')}/member`;
  return [
    'systemctl stop etcd',
    `mv ${shellWord(member)} ${shellWord(`${member}.failed-${stamp}`)}`,
    'systemctl start etcd',
    'etcd-backupd member list',
  ];
}

function promotion({ plan, added }: ShownPlan): string {
  if (!plan.learner) return '';
  const id = added ?? 'ID';
  return `6. Once it has caught up, give it its vote: etcdctl member promote ${id}\n`;
}

function ending({ plan, added }: ShownPlan): string {
  if (plan.waiting !== null) return 'Nothing was changed: steps 4 and 5 are what is left.\n';
  return added === null
    ? 'Nothing was changed. The same command with --yes does steps 2 and 3.\n'
    : 'Steps 2 and 3 are done: steps 4 and 5 are what is left.\n';
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '   ');
}
