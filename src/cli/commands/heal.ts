import { Failure, failureTable } from '../../core/errors.ts';
import { formatBytes } from '../../core/units.ts';
import { type Healed, type HealReport, healStores, missingIn } from '../../engine/heal.ts';
import { type HealPlan, planHeal } from '../../engine/heal-plan.ts';
import { identifyCluster } from '../../engine/identify.ts';
import type { Call, Command } from '../command.ts';
import { configOptions, jsonOption, type OpenHouse, openForCommand } from '../settings.ts';
import { chosenClusters, shelfOptions } from '../shelves.ts';
import { json, table } from '../table.ts';

export const healCommand: Command = {
  name: 'heal',
  summary: 'Copy the backups that a store lacks, from the stores that have them',
  usage: '[options]',
  positionals: { min: 0, max: 0 },
  options: {
    ...configOptions,
    ...(shelfOptions.cluster && { cluster: shelfOptions.cluster }),
    'dry-run': { type: 'boolean', doc: 'show what is missing where, and copy nothing' },
    ...jsonOption,
  },
  examples: ['etcd-backupd heal --dry-run', 'etcd-backupd heal'],
  codes: ['store-failed', 'store-full', 'store-denied', 'object-damaged'],
  run,
};

/** What became of a backup that was missing, or would be. */
interface Line extends Omit<Healed, 'result'> {
  readonly result: Healed['result'] | 'missing';
}

type Shown = Omit<HealReport, 'copies'> & { readonly copies: readonly Line[] };

async function run(call: Call): Promise<number> {
  await using house = openForCommand(call);
  const { deps } = house;
  const [named] = call.values.cluster === undefined ? [] : await chosenClusters(call, deps);
  const cluster = named ?? (await identifyCluster(deps, call.signal));
  if (cluster === undefined) return show(call, { copies: [], missing: {}, unread: [] });
  if (call.values['dry-run'] !== true) return show(call, await healStores(cluster, deps, call));
  return show(call, planned(await planHeal(cluster, deps, call.signal), house));
}

function planned(plan: HealPlan, { deps }: OpenHouse): Shown {
  const copies = plan.needs.map(({ id, sizeBytes, to, sources: [nearest] }): Line => {
    const from = nearest?.shelf.store.name ?? '';
    return { id, store: to.shelf.store.name, sizeBytes, from, result: 'missing' };
  });
  const unread = plan.unread.map(({ store }) => store.name);
  return { copies, missing: missingIn(plan, plan.needs, deps), unread };
}

function show(call: Call, report: Shown): number {
  const { copies, missing, unread } = report;
  const told = { copies: copies.map(asJson), missing, unread };
  call.terminal.out(call.values.json ? json(told) : asTable(copies));
  const failure = copies.map(({ result }) => result).find((result) => result instanceof Failure);
  if (failure !== undefined) return failure.exitCode;
  // What an unread store lacks is not known: that is no success.
  return unread.length === 0 ? 0 : failureTable['store-failed'].exit;
}

function asTable(copies: readonly Line[]): string {
  const rows = copies.map(({ id, store, from, sizeBytes, result }) => {
    const text = result instanceof Failure ? `failed: ${result.message}` : result;
    return [id, store, from, formatBytes(sizeBytes), text];
  });
  return table([['BACKUP', 'STORE', 'FROM', 'SIZE', 'RESULT'], ...rows]);
}

function asJson({ id, store, from, sizeBytes, result }: Line): unknown {
  const failure = result instanceof Failure ? { code: result.code, message: result.message } : null;
  const outcome = failure === null ? result : 'failed';
  return { backup: id, store, from, sizeBytes, result: outcome, failure };
}
