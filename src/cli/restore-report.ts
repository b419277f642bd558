/** What a restore did, for people. */
import type { RestoreReport } from '../core/restore.ts';
import { formatBytes, formatDuration } from '../core/units.ts';
import { table } from './table.ts';

export function reportText(report: RestoreReport): string {
  const { backup, store, dataDir, member, cluster, dryRun, steps } = report;
  const tookMs = Object.values(steps).reduce((sum, ms) => sum + ms, 0);
  const heading = dryRun
    ? `dry run: ${dataDir} could be restored; nothing was changed`
    : `restored: ${dataDir} is member ${member.name} of a new cluster`;
  const rows = [
    ['backup', `${backup} from store ${store}, taken ${report.takenAt.toISOString()}`],
    ['member', `${member.name} (${member.id})`],
    ['cluster', `${cluster.id}, token ${cluster.token}`],
    ['revision', `${report.revision}, ${report.keys} keys, ${formatBytes(report.sizeBytes)}`],
    ...(dryRun ? [] : [['old data', report.aside ?? 'there was none']]),
    ['took', `${formatDuration(tookMs)}: ${stepsText(steps)}`],
    ...foundInside(report).map((line) => ['note', line]),
    ...report.passedOver.map(({ backup: id, failure }) => {
      return ['WARNING', `backup ${id} was passed over: ${failure.message}`];
    }),
    ...report.warnings.map((line) => ['WARNING', line]),
    ...(dryRun ? [] : nextSteps(report).map((line) => ['next', line])),
  ];
  return `${heading}\n${table(rows)}`;
}

function stepsText(steps: RestoreReport['steps']): string {
  return Object.entries(steps)
    .map(([step, ms]) => `${step} ${formatDuration(ms)}`)
    .join(', ');
}

/** What comes to life again with the data, and may surprise. */
function foundInside({ alarms, authEnabled, leases }: RestoreReport): string[] {
  return [
    ...(alarms.length === 0
      ? []
      : [`alarms are raised in it: ${alarms.join(', ')} ("etcdctl alarm disarm" after the start)`]),
    ...(authEnabled ? ['auth is on in it, with the users and passwords of that time'] : []),
    ...(leases === 0 ? [] : [`leases are in it: ${leases}; their time begins anew`]),
  ];
}

function nextSteps({ dataDir, member, aside, leastEtcd }: RestoreReport): string[] {
  const etcd = leastEtcd === null ? 'etcd' : `etcd ${leastEtcd} or newer`;
  return [
    `start ${etcd} with --data-dir ${dataDir} --name ${member.name}, else as before`,
    'when every member is back: "etcd-backupd check", then "etcd-backupd backup"',
    ...(aside === null ? [] : [`when all is well, and not before: remove ${aside}`]),
  ];
}
