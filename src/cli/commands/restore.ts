import type { RestoreReport } from '../../core/restore.ts';
import { reportJson } from '../../core/restore-json.ts';
import { orderOf, planRestore } from '../../engine/plan-restore.ts';
import { restoreBackup } from '../../engine/restore.ts';
import type { Call, Command } from '../command.ts';
import { guideJson, guideText } from '../restore-guide.ts';
import { askedOf, restoreOptions, wantedOf } from '../restore-options.ts';
import { reportText } from '../restore-report.ts';
import { configOptions, jsonOption, openForCommand } from '../settings.ts';
import { json } from '../table.ts';

export const restoreCommand: Command = {
  name: 'restore',
  summary: "Turn a backup into a member's data directory; what was there is moved aside",
  usage: 'BACKUP|latest --data-dir DIR [options]',
  positionals: { min: 0, max: 1 },
  options: {
    ...configOptions,
    ...restoreOptions,
    plan: { type: 'boolean', doc: 'change nothing: print what to do on every host, in order' },
    'dry-run': { type: 'boolean', doc: 'do everything up to the swap, then remove it again' },
    ...jsonOption,
  },
  examples: [
    'etcd-backupd restore latest --data-dir /var/lib/etcd --plan',
    'etcd-backupd restore latest --data-dir /var/lib/etcd --name m1 --dry-run',
    'etcd-backupd restore --before 2026-11-20T15:00:00Z --data-dir /var/lib/etcd --name m1',
  ],
  codes: [
    'restore-refused',
    'restore-full',
    'restore-failed',
    'backup-missing',
    'backup-locked',
    'backup-untrusted',
    'object-damaged',
  ],
  run,
};

async function run(call: Call): Promise<number> {
  const wanted = wantedOf(call);
  const asked = askedOf(call);
  await using house = openForCommand(call, { notifies: true });
  const { deps, loaded } = house;
  const plan = await planRestore(wanted, asked, deps, call.signal);
  if (call.values.plan) {
    const guided = [plan, asked, call] as const;
    call.terminal.out(call.values.json ? json(guideJson(...guided)) : guideText(...guided));
    return 0;
  }
  const { wanted: pinned, order } = orderOf(plan, asked, loaded.config.cluster.localMember);
  const report = await restoreBackup({ ...wanted, ...pinned, before: null }, order, deps, call);
  tell(report, call);
  return 0;
}

export function tell(report: RestoreReport, call: Call): void {
  call.terminal.out(call.values.json ? json(reportJson(report)) : reportText(report));
}
