/** A control-plane node of kubeadm: its folders, a shell on it, and etcd as a static pod. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { type Certificates, makeCertificates } from './certificates.ts';
import { needEtcd } from './etcd.ts';
import type { Ran } from './house.ts';
import { type Mount, Network } from './network.ts';
import { ended, program, programMounts } from './pods.ts';

const pki = '/etc/kubernetes/pki/etcd';
const writable = ['/etc/kubernetes', '/etc/etcd-backupd', '/var/lib', '/var/backups'];

export class ControlPlane implements AsyncDisposable {
  readonly name: string;
  readonly network: Network;
  readonly etcdDir = needEtcd('3.5').dir;
  readonly certificates: Certificates;
  readonly #dir = mkdtempSync(join(tmpdir(), 'control-plane-'));
  #etcd: ChildProcess | undefined;

  static async open(name: string): Promise<ControlPlane> {
    return new ControlPlane(name, await Network.open([name]));
  }

  private constructor(name: string, network: Network) {
    this.name = name;
    this.network = network;
    for (const folder of writable) mkdirSync(this.path(folder), { recursive: true });
    const serverNames = [name, network.addressOf(name)];
    this.certificates = makeCertificates(join(this.#dir, 'made'), { serverNames });
    const { ca, server, client } = this.certificates;
    mkdirSync(this.path(pki), { recursive: true });
    copyFileSync(ca, this.path(`${pki}/ca.crt`));
    // As kubeadm leaves them: the keys are for root alone.
    const pairs = { server, peer: server, 'healthcheck-client': client };
    for (const [file, { cert, key }] of Object.entries(pairs)) {
      copyFileSync(cert, this.path(`${pki}/${file}.crt`));
      copyFileSync(key, this.path(`${pki}/${file}.key`));
    }
    for (const component of ['apiserver', 'controller-manager', 'scheduler']) {
      this.save(`/etc/kubernetes/manifests/kube-${component}.yaml`, 'kind: Pod\n');
    }
    const command = kubeadmCommand(name, network.addressOf(name));
    const pod = { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ command }] } };
    this.save('/etc/kubernetes/manifests/etcd.yaml', stringify(pod));
    this.save('/bin/etcd-backupd', `#!/bin/sh\nexec ${program.join(' ')} "$@"\n`);
    this.save('/bin/hostname', `#!/bin/sh\necho ${name}\n`);
  }

  /** Where a path of the node is on this machine. */
  path(onNode: string): string {
    return join(this.#dir, onNode);
  }

  save(onNode: string, text: string): void {
    mkdirSync(dirname(this.path(onNode)), { recursive: true });
    writeFileSync(this.path(onNode), text, { mode: 0o755 });
  }

  /** Runs a line of shell as root. */
  sh(line: string): Promise<Ran> {
    return ended(this.#start(['/bin/sh', '-ec', line]));
  }

  /** What the kubelet does when it has looked into the folder of manifests. */
  async kubelet(): Promise<void> {
    const manifest = this.path('/etc/kubernetes/manifests/etcd.yaml');
    if (existsSync(manifest)) {
      const [{ command }] = parse(readFileSync(manifest, 'utf8')).spec.containers;
      this.#etcd ??= this.#startEtcd(command);
    } else if (this.#etcd !== undefined) {
      const gone = once(this.#etcd, 'exit');
      this.#etcd.kill('SIGTERM');
      await gone;
      this.#etcd = undefined;
    }
  }

  etcdctl(words: string): Promise<Ran> {
    const files = ['cacert=ca.crt', 'cert=healthcheck-client.crt', 'key=healthcheck-client.key'];
    const tls = files.map((one) => `--${one.replace('=', `=${pki}/`)}`).join(' ');
    return this.sh(`etcdctl --command-timeout=60s ${tls} ${words}`);
  }

  #startEtcd(command: readonly string[]): ChildProcess {
    const etcd = this.#start(command);
    for (const pipe of [etcd.stdout, etcd.stderr]) pipe?.resume();
    return etcd;
  }

  #start(words: readonly string[]): ChildProcess {
    const mounts: Mount[] = [
      ...programMounts,
      ...writable.map((to) => ({ from: this.path(to), to, writable: true })),
      { from: this.etcdDir, to: '/opt/etcd' },
      { from: this.path('/bin'), to: '/opt/bin' },
    ];
    const env = { PATH: '/opt/bin:/opt/etcd:/usr/bin:/bin:/usr/sbin:/sbin' };
    return this.network.start({ host: this.name, user: 0, mounts, env, words });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#etcd?.kill('SIGKILL');
    await this.network[Symbol.asyncDispose]();
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** As in the manifest that kubeadm 1.35 writes. */
function kubeadmCommand(name: string, address: string): string[] {
  return [
    'etcd',
    `--advertise-client-urls=https://${address}:2379`,
    `--cert-file=${pki}/server.crt`,
    '--client-cert-auth=true',
    '--data-dir=/var/lib/etcd',
    '--experimental-initial-corrupt-check=true',
    '--experimental-watch-progress-notify-interval=5s',
    `--initial-advertise-peer-urls=https://${address}:2380`,
    `--initial-cluster=${name}=https://${address}:2380`,
    `--key-file=${pki}/server.key`,
    `--listen-client-urls=https://127.0.0.1:2379,https://${address}:2379`,
    '--listen-metrics-urls=http://127.0.0.1:2381',
    `--listen-peer-urls=https://${address}:2380`,
    `--name=${name}`,
    `--peer-cert-file=${pki}/peer.crt`,
    '--peer-client-cert-auth=true',
    `--peer-key-file=${pki}/peer.key`,
    `--peer-trusted-ca-file=${pki}/ca.crt`,
    '--snapshot-count=10000',
    `--trusted-ca-file=${pki}/ca.crt`,
  ];
}
