import { type Failure, failureTable } from '../../core/errors.ts';
import { parseSchedule } from '../../daemon/schedule.ts';
import { longestGap } from '../../daemon/scrubs.ts';
import {
  type ScrubbedCopy,
  type ScrubReport,
  type ScrubWanted,
  scrubStores,
} from '../../engine/scrub.ts';
import type { Call, Command } from '../command.ts';
import { configOptions, jsonOption, type OpenHouse, openForCommand } from '../settings.ts';
import { readClusterId, shelfOptions } from '../shelves.ts';
import { json, table } from '../table.ts';

export const scrubCommand: Command = {
  name: 'scrub',
  summary: 'Hold the stores against their manifests, read copies back, repair what is damaged',
  usage: '[options]',
  positionals: { min: 0, max: 0 },
  options: {
    ...configOptions,
    ...shelfOptions,
    all: { type: 'boolean', doc: 'read every copy, not only those whose turn it is' },
    'no-repair': { type: 'boolean', doc: 'tell what is damaged, and leave it as it is' },
    ...jsonOption,
  },
  examples: ['etcd-backupd scrub', 'etcd-backupd scrub --store local --all --no-repair'],
  codes: ['object-damaged', 'damage-repaired', 'store-failed', 'store-denied'],
  run,
};

async function run(call: Call): Promise<number> {
  await using house = openForCommand(call, { notifies: true });
  const report = await scrubStores(wantedBy(call, house), house.deps, call);
  house.progress.clear();
  call.terminal.out(call.values.json ? json(asJson(report)) : asTable(report));
  for (const { store, failure } of report.dead) {
    call.terminal.err(`${store}: cannot be read: ${failure.message}\n  ${failure.hint}\n`);
  }
  return exitCodeOf(report);
}

function wantedBy({ values }: Call, { loaded, deps }: OpenHouse): ScrubWanted {
  const { store, cluster } = values;
  const { cron, withinMs, repair } = loaded.config.scrub;
  const { timezone } = loaded.config.schedule;
  const schedule = cron === null ? undefined : parseSchedule({ cron, timezone });
  const now = deps.now();
  const pace = { since: now, withinMs, periodMs: longestGap(schedule, now) };
  return {
    store: typeof store === 'string' ? store : null,
    cluster: typeof cluster === 'string' ? readClusterId(cluster) : null,
    pace: values.all === true ? undefined : pace,
    repair: repair && values['no-repair'] !== true,
  };
}

/** Damage that is left is the worst; then what nobody could read, for it may be damaged too. */
function exitCodeOf({ result, copies, dead }: ScrubReport): number {
  if (result === 'damaged') return failureTable['object-damaged'].exit;
  if (result === 'repaired') return failureTable['damage-repaired'].exit;
  const failures = copies.flatMap((copy) => (copy.outcome === 'unread' ? [copy.failure] : []));
  return (dead[0]?.failure ?? failures[0])?.exitCode ?? 0;
}

function asJson({ result, copies, dead }: ScrubReport): unknown {
  return {
    result,
    copies: copies.map((copy) => ({
      backup: copy.backup,
      store: copy.store,
      outcome: copy.outcome,
      from: copy.outcome === 'repaired' ? copy.from : null,
      failure: copy.outcome === 'passed' ? null : failureOf(copy.failure),
    })),
    unreadable: dead.map(({ store, failure }) => ({ store, failure: failureOf(failure) })),
  };
}

function failureOf({ code, message }: Failure): unknown {
  return { code, message };
}

function asTable({ copies }: ScrubReport): string {
  const rows = copies.map((copy) => [copy.backup, copy.store, copy.outcome, detailOf(copy)]);
  return table([['BACKUP', 'STORE', 'VERDICT', 'DETAIL'], ...rows]);
}

function detailOf(copy: ScrubbedCopy): string {
  if (copy.outcome === 'passed') return 'every byte as it was proved';
  if (copy.outcome === 'repaired') return `from store ${copy.from}; ${copy.failure.message}`;
  return copy.failure.message;
}
