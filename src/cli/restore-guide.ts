/** What to do around a restore of a whole cluster, host by host, with the commands to paste. */
import { clusterId } from '../core/backup.ts';
import { formatInitialCluster } from '../core/initial-cluster.ts';
import { shellWord } from '../core/shell-word.ts';
import { formatBytes } from '../core/units.ts';
import type { RestoreAsked, RestorePlan } from '../engine/plan-restore.ts';
import { newCluster } from '../format/new-cluster.ts';
import type { Call } from './command.ts';

interface Host {
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly command: string;
}

export function hostsOf(
  plan: RestorePlan,
  asked: RestoreAsked,
  call: Pick<Call, 'values'>,
): Host[] {
  const rest = [
    ...['--initial-cluster', formatInitialCluster(plan.initialCluster)],
    ...['--initial-cluster-token', plan.initialClusterToken],
    ...passedOn(asked, call),
  ];
  return plan.initialCluster.map(({ name, peerUrls }) => {
    const words = ['restore', plan.manifest.id, '--data-dir', asked.dataDir, '--name', name];
    const command = ['etcd-backupd', ...words, ...rest].map(shellWord).join(' ');
    return { name, peerUrls, command };
  });
}

export function guideJson(
  plan: RestorePlan,
  asked: RestoreAsked,
  call: Pick<Call, 'values'>,
): unknown {
  const { manifest, store, initialCluster, initialClusterToken } = plan;
  return {
    backup: manifest.id,
    store,
    takenAt: manifest.startedAt,
    revision: manifest.revision,
    clusterId: newId(plan),
    initialCluster: formatInitialCluster(initialCluster),
    initialClusterToken,
    hosts: hostsOf(plan, asked, call),
  };
}

export function guideText(
  plan: RestorePlan,
  asked: RestoreAsked,
  call: Pick<Call, 'values'>,
): string {
  const { manifest, store, initialClusterToken } = plan;
  const { id, revision, keys, raw, cluster } = manifest;
  const run = (...words: string[]): string =>
    ['etcd-backupd', ...words, ...named(call, 'config')].map(shellWord).join(' ');
  const verifying = ['verify', id, '--deep', '--store', store, ...openingWords(call)];
  const restores = hostsOf(plan, asked, call).map(
    ({ name, peerUrls, command }) => `on ${name} (${peerUrls.join(', ')}):\n  ${command}`,
  );
  const steps = [
    `Prove the backup once more, on one host:\n  ${run(...verifying)}`,
    'Stop what uses etcd, so that nothing is written meanwhile. With Kubernetes that is every ' +
      'API\nserver (kubeadm: move kube-apiserver.yaml out of /etc/kubernetes/manifests).',
    'Stop etcd on every host (kubeadm: move etcd.yaml out of /etc/kubernetes/manifests):\n' +
      '  systemctl stop etcd',
    'Restore on every host, each with its own command. Each host must reach the store. The old\n' +
      `data is moved aside, not deleted.\n${restores.join('\n')}`,
    'Start etcd on every host. The members wait for each other:\n  systemctl start etcd',
    'See that all members are there and hold the same data, by a first backup of the ' +
      `new cluster:\n  ${run('check')}\n  ${run('backup')}`,
    `Start the API servers, and after them what watches through them.${bumpAdvice(asked)}`,
  ];
  return [
    `Restore of cluster ${cluster.name} from backup ${id}`,
    `taken ${manifest.startedAt.toISOString()}, revision ${revision}, ${keys} keys, ` +
      `${formatBytes(raw.sizeBytes)}, in store ${store}.`,
    `New cluster id ${newId(plan)}, token ${initialClusterToken}: the same on every host.`,
    'What was written after the backup is lost. Do the steps in this order:',
    ...steps.map((step, at) => `\n${at + 1}. ${step.replaceAll('\n', '\n   ')}`),
    '\nTo go back at any time: stop etcd, move the new data directory away, and rename the ' +
      `old one\n(${asked.dataDir}.before-restore-...) to its name.`,
    '',
  ].join('\n');
}

function newId({ initialCluster, initialClusterToken }: RestorePlan): string {
  return clusterId(newCluster(initialCluster, initialClusterToken).id);
}

function bumpAdvice({ bumpRevision }: RestoreAsked): string {
  if (bumpRevision !== null) return '';
  const flags = '--bump-revision 1000000000 --mark-compacted';
  return (
    '\nControllers keep what they saw after the backup in their caches: restart them, or ' +
    `restore\nwith ${flags}, which makes every watcher start anew.`
  );
}

/** What was asked beside the member itself must be the same on every host. */
function passedOn(asked: RestoreAsked, call: Pick<Call, 'values'>): string[] {
  const { bumpRevision, clearAlarms, owner, etcdVersion, force } = asked;
  return [
    ...(bumpRevision === null ? [] : ['--bump-revision', `${bumpRevision}`, '--mark-compacted']),
    ...(clearAlarms ? ['--clear-alarms'] : []),
    ...(owner === null ? [] : ['--owner', `${owner.uid}:${owner.gid}`]),
    ...(etcdVersion === null ? [] : ['--etcd-version', etcdVersion]),
    ...(force ? ['--force'] : []),
    ...named(call, 'store'),
    ...named(call, 'cluster'),
    ...openingWords(call),
    ...named(call, 'config'),
  ];
}

/** What opens the backup and who is trusted: the same for every command that reads it. */
function openingWords(call: Pick<Call, 'values'>): string[] {
  const anyway = call.values['accept-unsigned'] === true ? ['--accept-unsigned'] : [];
  return [...named(call, 'identity'), ...named(call, 'trust'), ...anyway];
}

function named({ values }: Pick<Call, 'values'>, name: string): string[] {
  const value = values[name];
  return typeof value === 'string' ? [`--${name}`, value] : [];
}
