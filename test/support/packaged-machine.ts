/** A machine as an operator has one: etcd with TLS runs, etcd-backupd comes from its package. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Package } from '../../packaging/package.ts';
import { freePorts } from '../../src/cluster/loopback.ts';
import type { SystemdRoot } from '../setup/systemd.ts';
import { makeCertificates } from './certificates.ts';
import { needEtcd } from './etcd.ts';
import { Machine, placed } from './machine.ts';

export interface PackagedMachine {
  readonly machine: Machine;
  /** Of the daemon's admin API; the machine shares the host's network. */
  readonly adminUrl: string;
  /** Runs etcdctl inside. */
  etcdctl(...args: readonly string[]): Promise<string>;
}

export const restoreToken = 'the-token-of-whoever-restores';

const tls = '/etc/etcd-backupd/tls';

/** etcd runs; the daemon is installed by these lines of shell, and not started. */
export async function packagedMachine(
  system: SystemdRoot,
  { folder, archive }: Package,
  installing: string,
): Promise<PackagedMachine> {
  const [clientPort, peerPort, adminPort] = (await freePorts(3)) as [number, number, number];
  const clientUrl = `https://127.0.0.1:${clientPort}`;
  const machine = await Machine.boot(system, async (dir) => {
    const save = (path: string, text: string, mode = 0o644) =>
      writeFileSync(placed(dir, path), text, { mode });
    for (const file of [archive, `${archive}.sha256`]) {
      copyFileSync(file, placed(dir, `root/${basename(file)}`));
    }
    furnishEtcd(dir, { clientUrl, peerUrl: `http://127.0.0.1:${peerPort}` });
    save('etc/etcd-backupd/config.yaml', configText(clientUrl, adminPort));
    const dropIns = 'etc/systemd/system/etcd-backupd.service.d';
    copyFileSync(
      join(folder, 'systemd', 'credentials.conf'),
      placed(dir, `${dropIns}/credentials.conf`),
    );
    // As the unit, only sooner.
    save(`${dropIns}/sooner.conf`, '[Service]\nWatchdogSec=10s\nRestartSec=1s\n');
  });
  await machine.sh(`cd /root && ${installing}`);
  const token = '/etc/etcd-backupd/token';
  await machine.sh(`install -o etcd-backupd -m 600 ${token}.new ${token}`);
  await machine.sh('chown -R etcd:etcd /etc/etcd && systemctl start etcd');
  const etcdctl = (...args: readonly string[]) => {
    const files = `--cacert=${tls}/ca.crt --cert=${tls}/client.crt --key=${tls}/client.key`;
    const words = [...files.split(' '), `--endpoints=${clientUrl}`, ...args];
    return machine.run('env', 'ETCDCTL_API=3', 'etcdctl', ...words);
  };
  return { machine, adminUrl: `http://127.0.0.1:${adminPort}`, etcdctl };
}

function furnishEtcd(dir: string, urls: { clientUrl: string; peerUrl: string }): void {
  const { etcd, etcdctl } = needEtcd('3.5') as { etcd: string; etcdctl: string };
  for (const [name, from] of Object.entries({ etcd, etcdctl })) {
    copyFileSync(from, placed(dir, `usr/bin/${name}`));
  }
  const made = makeCertificates(join(dir, 'etc', 'made'));
  const copy = (from: string, to: string, mode: number) =>
    writeFileSync(placed(dir, to), readFileSync(from), { mode });
  copy(made.ca, `${tls}/ca.crt`, 0o644);
  copy(made.client.cert, `${tls}/client.crt`, 0o644);
  copy(made.client.key, `${tls}/client.key`, 0o600);
  copy(made.ca, 'etc/etcd/ca.crt', 0o644);
  copy(made.server.cert, 'etc/etcd/server.crt', 0o644);
  copy(made.server.key, 'etc/etcd/server.key', 0o600);
  writeFileSync(placed(dir, 'etc/etcd-backupd/token.new'), restoreToken, { mode: 0o600 });
  writeFileSync(placed(dir, 'usr/lib/sysusers.d/etcd.conf'), 'u etcd - "etcd" /var/lib/etcd\n');
  const options = [
    '--name m1 --data-dir /var/lib/etcd',
    `--listen-client-urls ${urls.clientUrl} --advertise-client-urls ${urls.clientUrl}`,
    `--listen-peer-urls ${urls.peerUrl} --initial-advertise-peer-urls ${urls.peerUrl}`,
    `--initial-cluster m1=${urls.peerUrl} --client-cert-auth --trusted-ca-file /etc/etcd/ca.crt`,
    '--cert-file /etc/etcd/server.crt --key-file /etc/etcd/server.key',
  ];
  const lines = [
    '[Service]',
    'Type=notify',
    'User=etcd',
    'StateDirectory=etcd',
    'StateDirectoryMode=0700',
    `ExecStart=/usr/bin/etcd ${options.join(' ')}`,
  ];
  writeFileSync(placed(dir, 'etc/systemd/system/etcd.service'), `${lines.join('\n')}\n`);
}

function configText(clientUrl: string, adminPort: number): string {
  return `
cluster:
  name: prod
  endpoints: [${clientUrl}]
  tls: { ca: ${tls}/ca.crt, cert: ${tls}/client.crt, key: ${tls}/client.key }
schedule: { cron: "*/5 * * * * *" }
stores:
  - { name: local, type: file, path: /var/backups/etcd }
restore: { roots: [/var/lib] }
http:
  listen: 127.0.0.1:${adminPort}
  tokens: { restore: /etc/etcd-backupd/token }
`;
}
