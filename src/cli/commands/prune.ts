import type { ClusterId } from '../../core/backup.ts';
import { Failure } from '../../core/errors.ts';
import type { RetentionPlan } from '../../core/retention.ts';
import { planPrune, pruneShelf } from '../../engine/prune.ts';
import type { Call, Command } from '../command.ts';
import { configOptions, jsonOption, openForCommand } from '../settings.ts';
import { chosenClusters, chosenShelves, shelfOptions } from '../shelves.ts';
import { json, table } from '../table.ts';

export const pruneCommand: Command = {
  name: 'prune',
  summary: 'Remove the backups that no retention rule keeps',
  usage: '[options]',
  positionals: { min: 0, max: 0 },
  options: {
    ...configOptions,
    ...shelfOptions,
    'dry-run': { type: 'boolean', doc: 'show the plan with its reasons and change nothing' },
    ...jsonOption,
  },
  examples: ['etcd-backupd prune --dry-run', 'etcd-backupd prune --store local'],
  codes: ['store-failed', 'store-denied', 'retention-unsafe'],
  run,
};

async function run(call: Call): Promise<number> {
  await using house = openForCommand(call);
  const { deps } = house;
  const cluster = onlyCluster(await chosenClusters(call, deps));
  const plans: { store: string; plan: RetentionPlan }[] = [];
  for (const shelf of cluster === undefined ? [] : chosenShelves(call, deps)) {
    const work = call.values['dry-run'] ? planPrune : pruneShelf;
    const plan = await work(shelf, cluster as ClusterId, deps, call.signal);
    plans.push({ store: shelf.store.name, plan });
  }
  call.terminal.out(call.values.json ? json(plans) : asTable(plans));
  return 0;
}

/** Rules count within one cluster: with several, a person says which. */
function onlyCluster(ids: readonly ClusterId[]): ClusterId | undefined {
  if (ids.length <= 1) return ids[0];
  throw new Failure('usage', `the stores hold several clusters, name one: ${ids.join(', ')}`, {
    hint: `Try: etcd-backupd prune --dry-run --cluster ${ids[0]}`,
  });
}

function asTable(plans: readonly { store: string; plan: RetentionPlan }[]): string {
  const rows = plans.flatMap(({ store, plan }) =>
    plan.map(({ id, keep, reasons }) => [id, store, keep ? 'keep' : 'remove', reasons.join('; ')]),
  );
  return table([['BACKUP', 'STORE', 'DECISION', 'REASON'], ...rows]);
}
