import { parseBackupId } from '../../core/names.ts';
import { type DrillReport, type DrillWanted, runDrill } from '../../engine/drill.ts';
import type { Call, Command } from '../command.ts';
import { configOptions, jsonOption, openForCommand, openingOptions } from '../settings.ts';
import { readClusterId, shelfOptions } from '../shelves.ts';
import { json, table } from '../table.ts';

export const drillCommand: Command = {
  name: 'drill',
  summary: 'Restore a backup to a scratch folder and serve it with a real etcd, as a proof',
  usage: '[BACKUP|latest] [options]',
  positionals: { min: 0, max: 1 },
  options: { ...configOptions, ...shelfOptions, ...openingOptions, ...jsonOption },
  examples: ['etcd-backupd drill', 'etcd-backupd drill latest --drill.etcdBinary /usr/bin/etcd'],
  codes: [
    'drill-failed',
    'etcd-start',
    'backup-missing',
    'backup-locked',
    'backup-untrusted',
    'object-damaged',
    'restore-refused',
  ],
  run,
};

async function run(call: Call): Promise<number> {
  const wanted = wantedBy(call);
  await using house = openForCommand(call, { notifies: true });
  const report = await runDrill(wanted, house.deps, call);
  call.terminal.out(call.values.json ? json(asJson(report)) : asTable(report));
  if (report.outcome === 'passed') return 0;
  call.terminal.err(`  ${report.failure.hint}\n`);
  // Who asks for a drill and gets none has not been told that the backup is good.
  return report.failure.exitCode;
}

function wantedBy({ positionals: [named = 'latest'], values }: Call): DrillWanted {
  const { store, cluster } = values;
  return {
    backup: named === 'latest' ? named : parseBackupId(named),
    store: typeof store === 'string' ? store : null,
    cluster: typeof cluster === 'string' ? readClusterId(cluster) : null,
  };
}

function asJson(report: DrillReport): unknown {
  if (report.outcome === 'passed') return { ...report, failure: null };
  const { failure, ...about } = report;
  return { ...about, failure: { code: failure.code, message: failure.message } };
}

function asTable(report: DrillReport): string {
  const { outcome } = report;
  const { backup, store } = outcome === 'skipped' ? { backup: null, store: null } : report;
  const detail =
    outcome === 'passed' ? detailOf(report) : (report.failure.message.split('\n')[0] ?? '');
  const heading = ['BACKUP', 'STORE', 'DRILL', 'DETAIL'];
  return table([heading, [backup ?? '-', store ?? '-', outcome, detail]]);
}

function detailOf({ evidence }: Extract<DrillReport, { outcome: 'passed' }>): string {
  const { etcd, revision, keys } = evidence;
  const counted = keys === undefined ? '' : ` and ${keys} keys`;
  return `etcd ${etcd} served the same HashKV${counted} at revision ${revision}`;
}
