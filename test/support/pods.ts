/**
 * Pods without a kubelet: the containers of rendered manifests as processes, with the words,
 * variables, files and volumes that the manifests give them.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Ran } from './house.ts';
import {
  type Container,
  containersOf,
  kubecheckHere,
  type Manifest,
  type PodSpec,
  type Volume,
} from './manifests.ts';
import type { Mount, Network } from './network.ts';

/** What renders manifests, where pods can be run; where MUST_RUN_KUBERNETES is 1, they must. */
export async function podsHere(): ReturnType<typeof kubecheckHere> {
  const isRoot = process.getuid?.() === 0;
  const skip = isRoot ? undefined : 'networks of their own need root';
  if (skip === undefined) return kubecheckHere();
  if (process.env['MUST_RUN_KUBERNETES'] === '1') throw new Error(skip);
  return { skip };
}

/** The user of the image and the group of the volumes. */
export const imageUser = 65532;

const checkout = join(import.meta.dirname, '..', '..');

/** The program as the image has it, but not compiled. */
export const programMounts: readonly Mount[] = [
  { from: dirname(process.execPath), to: '/opt/etcd-backupd/bin' },
  ...['src', 'node_modules', 'package.json'].map((name) => ({
    from: join(checkout, name),
    to: `/opt/etcd-backupd/${name}`,
  })),
];
export const program = ['/opt/etcd-backupd/bin/node', '/opt/etcd-backupd/src/main.ts'];

export interface PodPlan {
  readonly spec: PodSpec;
  /** Where the ConfigMaps are. */
  readonly manifests: readonly Manifest[];
  /** What fields of the pod say: `metadata.name`. */
  readonly fields: Readonly<Record<string, string>>;
  /** By name of the Secret, and key. */
  readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Folders of the volumes that outlive the pod, by name of the volume. */
  readonly lasting: Readonly<Record<string, string>>;
  /** Has `etcd` and `etcdctl`. */
  readonly etcdDir: string;
  readonly network: Network;
  readonly host: string;
}

/** Disposing kills what still runs and removes what was the pod's alone. */
export class Pod implements AsyncDisposable {
  readonly #plan: PodPlan;
  readonly #dir = mkdtempSync(join(tmpdir(), 'pod-'));
  readonly #running: ChildProcess[] = [];

  constructor(plan: PodPlan) {
    this.#plan = plan;
    for (const volume of plan.spec.volumes) this.#fill(volume);
  }

  /** Starts a container by the words of its manifest. */
  start(name: string): ChildProcess {
    const container = this.#of(name);
    const env = this.#envOf(container);
    const expand = (word: string): string =>
      word.replaceAll(/\$\((\w+)\)/g, (whole, key: string) => env[key] ?? whole);
    const { command, args } = container;
    // The image of etcd has its programs on PATH, ours has an entry point.
    const [first = '', ...rest] = command ?? [];
    const begin = command === undefined ? program : [`/opt/etcd/${first}`, ...rest];
    return this.#launch(container, [...begin, ...args].map(expand));
  }

  /** Runs a container to its end. */
  async finish(name: string): Promise<Ran> {
    return ended(this.start(name));
  }

  /** Runs words inside of a container, as `kubectl exec` does; the first one is a program. */
  async exec(name: string, words: readonly string[]): Promise<Ran> {
    const [first = '', ...rest] = words;
    const begin = first === 'etcd-backupd' ? program : [`/opt/etcd/${first}`];
    return ended(this.#launch(this.#of(name), [...begin, ...rest]));
  }

  /** The status that a probe of a container gets; 0 where nobody answers. */
  async probe(name: string, kind: 'livenessProbe' | 'readinessProbe'): Promise<number> {
    const container = this.#of(name);
    const { path, port } = container[kind]?.httpGet ?? {};
    const number = container.ports?.find((one) => one.name === port)?.containerPort;
    // The kubelet comes from outside: not to the loopback address.
    const url = `http://${this.#plan.network.addressOf(this.#plan.host)}:${number}${path}`;
    const ask = `fetch('${url}').then((r) => console.log(r.status), () => console.log(0))`;
    const asked = await ended(this.#launch(container, [program[0]!, '-e', ask]));
    return Number(asked.stdout);
  }

  /** As the kubelet does: a signal to all containers, and time to end. */
  async stop(): Promise<void> {
    const alive = this.#running.filter((one) => one.exitCode === null && one.signalCode === null);
    await Promise.all(
      alive.map(async (child) => {
        const gone = once(child, 'exit');
        child.kill('SIGTERM');
        await gone;
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#running) child.kill('SIGKILL');
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 3 });
  }

  #of(name: string): Container {
    const found = containersOf(this.#plan.spec).find((one) => one.name === name);
    if (found === undefined) throw new Error(`no container ${name}`);
    return found;
  }

  #launch(container: Container, words: readonly string[]): ChildProcess {
    const { network, host, etcdDir } = this.#plan;
    const volumes = container.volumeMounts.map(({ name, mountPath, readOnly }) => ({
      from: this.#folderOf(name),
      to: mountPath,
      writable: readOnly !== true,
    }));
    const mounts = [...programMounts, { from: etcdDir, to: '/opt/etcd' }, ...volumes];
    const env = this.#envOf(container);
    const child = network.start({ host, user: imageUser, mounts, env, words });
    this.#running.push(child);
    return child;
  }

  #envOf({ env = [] }: Container): Record<string, string> {
    const { fields, manifests } = this.#plan;
    const read = ({ value, valueFrom }: (typeof env)[number]): string | undefined => {
      const { fieldRef, configMapKeyRef: ref } = valueFrom ?? {};
      if (fieldRef !== undefined) return fields[fieldRef.fieldPath];
      const map = manifests.find((one) => one.metadata.name === ref?.name);
      return ref === undefined ? value : map?.data?.[ref.key];
    };
    return Object.fromEntries(
      env.map((variable) => {
        const value = read(variable);
        if (value === undefined) throw new Error(`nothing for the variable ${variable.name}`);
        return [variable.name, value];
      }),
    );
  }

  #folderOf(volume: string): string {
    return this.#plan.lasting[volume] ?? join(this.#dir, volume);
  }

  #fill({ name, emptyDir, secret, projected }: Volume): void {
    const sources = projected?.sources ?? (secret === undefined ? [] : [{ secret }]);
    if (this.#plan.lasting[name] !== undefined) return;
    const folder = this.#folderOf(name);
    volumeFolder(folder);
    if (emptyDir !== undefined) chmodSync(folder, 0o2777);
    for (const { configMap, secret: from } of sources) {
      const source = configMap ?? from;
      const key = source?.name ?? source?.secretName ?? '';
      const { manifests, secrets } = this.#plan;
      const data = from ? secrets[key] : manifests.find((one) => one.metadata.name === key)?.data;
      if (data === undefined && source?.optional === true) continue;
      if (data === undefined) throw new Error(`nothing for ${key} in the volume ${name}`);
      const items = source?.items ?? Object.keys(data).map((one) => ({ key: one, path: one }));
      for (const item of items) saveFor(join(folder, item.path), data[item.key] ?? '');
    }
  }
}

/** The folder of a volume as `fsGroup` leaves it, made where it is missing. */
export function volumeFolder(folder: string): string {
  mkdirSync(folder, { recursive: true });
  chownSync(folder, 0, imageUser);
  chmodSync(folder, 0o2775);
  return folder;
}

function saveFor(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chownSync(path, 0, imageUser);
  chmodSync(path, 0o440);
}

export async function ended(child: ChildProcess): Promise<Ran> {
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'close'),
  ]);
  return { code, signal, stdout, stderr };
}
