/** The pods of the StatefulSet in config/kubernetes, with volumes that outlive them. */
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect } from 'vitest';
import { parse, stringify } from 'yaml';
import { makeCertificates } from './certificates.ts';
import { RunningDaemon } from './daemon.ts';
import { needEtcd } from './etcd.ts';
import { type Kubecheck, type Manifest, manifestsDir, parseManifests, podOf } from './manifests.ts';
import { Network } from './network.ts';
import { Pod, volumeFolder } from './pods.ts';

const store = '/var/backups/etcd';

/** What the ConfigMap `etcd` may be given in place of what it says. */
export type Literals = Readonly<Record<string, string>>;

export class EtcdPods implements AsyncDisposable {
  readonly names: readonly string[];
  readonly #kubecheck: Kubecheck;
  readonly #dir: string;
  readonly #network: Network;
  readonly #secrets: Record<string, Record<string, string>>;
  readonly #pods: Pod[] = [];

  static async open(kubecheck: Kubecheck, members: 1 | 3): Promise<EtcdPods> {
    const names = Array.from({ length: members }, (_, index) => `etcd-${index}`);
    const hosts = names.map((name) => `${name}.etcd`);
    return new EtcdPods(kubecheck, names, await Network.open([...hosts, 'elsewhere']));
  }

  private constructor(kubecheck: Kubecheck, names: readonly string[], network: Network) {
    this.names = names;
    this.#kubecheck = kubecheck;
    this.#network = network;
    this.#dir = realpathSync(mkdtempSync(join(tmpdir(), 'etcd-pods-')));
    const serverNames = ['etcd', ...names.map((name) => `${name}.etcd`)];
    const { ca, server, client } = makeCertificates(join(this.#dir, 'made'), { serverNames });
    const text = (path: string): string => readFileSync(path, 'utf8');
    this.#secrets = {
      'etcd-tls': {
        'ca.crt': text(ca),
        'tls.crt': text(server.cert),
        'tls.key': text(server.key),
      },
      'etcd-client-tls': {
        'ca.crt': text(ca),
        'tls.crt': text(client.cert),
        'tls.key': text(client.key),
      },
      'etcd-backupd-tokens': { operate: 'a-token-that-nobody-guesses' },
    };
    for (const name of names) for (const volume of ['data', 'backups']) this.volume(name, volume);
  }

  /** The folder of a volume of a pod, made where it is missing. Backups are one for three. */
  volume(name: string, volume: string): string {
    const whose = volume === 'backups' ? 'all' : name;
    return volumeFolder(join(this.#dir, `${volume}-${whose}`));
  }

  /** A new volume in place of the old one. */
  lose(name: string): void {
    rmSync(this.volume(name, 'data'), { recursive: true });
    this.volume(name, 'data');
  }

  /** A pod on its volumes, with none of its containers started. */
  async pod(name: string, literals: Literals = {}): Promise<Pod> {
    const data = this.volume(name, 'data');
    return this.#open(await this.#render(literals), name, { data }, `${name}.etcd`);
  }

  /** The stand-alone daemon, on a host and with a certificate of its own. */
  async standalone(): Promise<Pod> {
    const yaml = await this.#kubecheck.render(join(manifestsDir, 'standalone'));
    return this.#open(parseManifests(yaml), 'etcd-backupd-0', {}, 'elsewhere');
  }

  #open(
    manifests: readonly Manifest[],
    name: string,
    own: Readonly<Record<string, string>>,
    host: string,
  ): Pod {
    const pod = new Pod({
      spec: podOf(manifests),
      manifests,
      fields: { 'metadata.name': name },
      secrets: this.#secrets,
      lasting: { ...own, backups: this.volume(name, 'backups') },
      etcdDir: needEtcd('3.5').dir,
      network: this.#network,
      host,
    });
    this.#pods.push(pod);
    return pod;
  }

  async #render(literals: Literals): Promise<Manifest[]> {
    const own = mkdtempSync(join(this.#dir, 'own-'));
    const shape = this.names.length === 1 ? 'sidecar' : 'three-members';
    const changes = Object.entries(literals).map(([key, value]) => `${key}=${value}`);
    const kustomization = {
      resources: [relative(own, join(manifestsDir, shape))],
      configMapGenerator: [{ name: 'etcd', behavior: 'merge', literals: changes }],
    };
    writeFileSync(join(own, 'kustomization.yaml'), stringify(kustomization));
    const manifests = parseManifests(await this.#kubecheck.render(own));
    return shape === 'sidecar' ? manifests : manifests.map(withFolder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pod of this.#pods) await pod[Symbol.asyncDispose]();
    await this.#network[Symbol.asyncDispose]();
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A folder that all pods see in place of the bucket. */
function withFolder(manifest: Manifest): Manifest {
  const changed = structuredClone(manifest) as { -readonly [K in keyof Manifest]: Manifest[K] };
  const config = changed.data?.['config.yaml'];
  if (config !== undefined) {
    const stores = [{ name: 'shared', type: 'file', path: `${store}/prod` }];
    changed.data = { 'config.yaml': stringify({ ...parse(config), stores }) };
  }
  const pod = changed.spec?.template?.spec;
  for (const { name, volumeMounts } of [
    ...(pod?.initContainers ?? []),
    ...(pod?.containers ?? []),
  ]) {
    if (name !== 'etcd') (volumeMounts as object[]).push({ name: 'backups', mountPath: store });
  }
  return changed;
}

/** What clients of the pod's etcd do, from inside of it; resolves to stdout. */
export async function etcdctl(pod: Pod, ...words: readonly string[]): Promise<string> {
  const tls = ['cacert=ca.crt', 'cert=tls.crt', 'key=tls.key'].map((one) => {
    return `--${one.replace('=', '=/etc/etcd/tls/')}`;
  });
  // A member that joins is ready a while before it serves clients.
  const patient = '--command-timeout=60s';
  const ran = await pod.exec('etcd', ['etcdctl', patient, ...tls, ...words]);
  expect({ words, ...ran }).toMatchObject({ code: 0 });
  return ran.stdout;
}

/** Starts the containers after init, and returns when etcd is ready. */
export async function startEtcd(pod: Pod): Promise<void> {
  const etcd = pod.start('etcd');
  let said = '';
  for (const pipe of [etcd.stdout, etcd.stderr]) {
    pipe?.on('data', (chunk) => {
      said = `${said}${chunk}`.slice(-2000);
    });
  }
  const ready = async (): Promise<number | string> =>
    etcd.exitCode === null ? pod.probe('etcd', 'readinessProbe') : said;
  await expect.poll(ready, { timeout: 60_000, interval: 200 }).toBe(200);
}

export function startDaemon(pod: Pod): RunningDaemon {
  return new RunningDaemon(pod.start('etcd-backupd'), '');
}

/** One after the other: a leader that ends hands its leadership over to one that stays. */
export async function stopAll(pods: readonly Pod[]): Promise<void> {
  for (const pod of pods) await pod.stop();
}
