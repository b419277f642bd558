import { Failure } from '../../core/errors.ts';
import { objectionTo, planReplacement, replaceMember } from '../../engine/replace-member.ts';
import type { Call, Command } from '../command.ts';
import { memberRows, memberTable } from '../member-list.ts';
import { planJson, planText } from '../member-plan.ts';
import { configOptions, jsonOption, openForCommand } from '../settings.ts';
import { json } from '../table.ts';

const usualDataDir = '/var/lib/etcd';

export const memberCommand: Command = {
  name: 'member',
  summary: 'Show the members of the cluster, or replace one that failed',
  usage: 'list|replace [NAME|ID] [options]',
  positionals: { min: 1, max: 2 },
  options: {
    ...configOptions,
    'peer-url': {
      type: 'string',
      multiple: true,
      value: 'URL',
      doc: 'of the new member, where it is not that of the old one; may be repeated',
    },
    name: {
      type: 'string',
      value: 'NAME',
      doc: 'of the new member (default: that of the old one)',
    },
    learner: {
      type: 'boolean',
      doc: 'add it as a learner, which has no vote until it is promoted',
    },
    'data-dir': {
      type: 'string',
      value: 'DIR',
      doc: `of etcd on the failed host, for the commands to paste (default: ${usualDataDir})`,
    },
    force: { type: 'boolean', doc: 'over a healthy member, and while other voters are down' },
    yes: { type: 'boolean', doc: 'do it; without, only the plan is shown' },
    ...jsonOption,
  },
  examples: [
    'etcd-backupd member list',
    'etcd-backupd member replace m2',
    'etcd-backupd member replace m2 --peer-url https://10.0.0.9:2380 --yes',
  ],
  codes: ['quorum-at-risk', 'cluster-unreachable', 'cluster-auth', 'timed-out'],
  run,
};

async function run(call: Call): Promise<number> {
  const [what, named] = call.positionals;
  if (what === 'list' && named === undefined) return list(call);
  if (what === 'replace' && named !== undefined) return replace(named, call);
  throw new Failure('usage', 'member takes list, or replace NAME');
}

async function list(call: Call): Promise<number> {
  await using house = openForCommand(call);
  const rows = memberRows(await house.deps.cluster.survey(call));
  call.terminal.out(call.values.json ? json(rows) : memberTable(rows));
  return 0;
}

async function replace(named: string, call: Call): Promise<number> {
  const { values, terminal } = call;
  const order = {
    named,
    peerUrls: (values['peer-url'] ?? []) as readonly string[],
    newName: typeof values.name === 'string' ? values.name : null,
    learner: values.learner === true,
    force: values.force === true,
  };
  await using house = openForCommand(call);
  const plan = await planReplacement(order, house.deps, call);
  const dataDir = typeof values['data-dir'] === 'string' ? values['data-dir'] : usualDataDir;
  const shown = { plan, dataDir, now: house.deps.now() };
  const tell = (added: string | null): void =>
    terminal.out(values.json ? json(planJson({ ...shown, added })) : planText({ ...shown, added }));

  const objection = objectionTo(plan);
  if (objection !== undefined || values.yes !== true) tell(plan.waiting?.id ?? null);
  if (objection !== undefined) throw objection;
  if (values.yes === true) tell(await replaceMember(plan, house.deps, call));
  return 0;
}
