/** Hosts on one machine: a network for each, with a bridge between them and names for all. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../setup/program.ts';

export interface Mount {
  readonly from: string;
  readonly to: string;
  readonly writable?: boolean;
}

export interface Confined {
  /** The host whose network it has. */
  readonly host: string;
  readonly user: number;
  readonly mounts: readonly Mount[];
  readonly env: Readonly<Record<string, string>>;
  readonly words: readonly string[];
}

const script = join(import.meta.dirname, 'container.sh');

/** Disposing takes the networks away; what still runs on them is the business of who started it. */
export class Network implements AsyncDisposable {
  readonly #dir = mkdtempSync(join(tmpdir(), 'network-'));
  readonly #hosts = new Map<string, ChildProcess>();
  readonly #addresses = new Map<string, string>();
  #switch: ChildProcess | undefined;

  /** One host for each name, such as `etcd-0.etcd`. */
  static async open(names: readonly string[]): Promise<Network> {
    const network = new Network();
    try {
      await network.#connect(names);
      return network;
    } catch (thrown) {
      await network[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  addressOf(host: string): string {
    return this.#addresses.get(host) ?? '';
  }

  /** Starts a program in a root of its own that cannot be written but where it is said. */
  start({ host, user, mounts, env, words }: Confined): ChildProcess {
    const root = mkdtempSync(join(this.#dir, 'root-'));
    const all: Mount[] = [...mounts];
    for (const name of ['hosts', 'nsswitch.conf']) {
      all.push({ from: join(this.#dir, name), to: `/etc/${name}` });
    }
    const lines = all
      .toSorted((a, b) => a.to.length - b.to.length)
      .map(({ from, to, writable }) => `${from} ${to} ${writable ? 'rw' : 'ro'}\n`);
    writeFileSync(`${root}.mounts`, lines.join(''));
    const into = [`--net=/proc/${this.#hosts.get(host)?.pid}/ns/net`, '--', 'unshare', '--mount'];
    const confine = ['sh', script, root, `${root}.mounts`, String(user)];
    return spawn('nsenter', [...into, ...confine, ...words], {
      env: { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async #connect(names: readonly string[]): Promise<void> {
    this.#switch = await hold();
    await sh(this.#switch, 'ip link add br0 type bridge; ip link set br0 up');
    for (const [index, name] of names.entries()) {
      const holder = await hold();
      const [port, address] = [`port${index}`, `10.77.0.${index + 1}`];
      this.#hosts.set(name, holder);
      this.#addresses.set(name, address);
      const link = `ip link add ${port} type veth peer name eth0 netns ${holder.pid}`;
      await sh(this.#switch, `${link}; ip link set ${port} master br0 up`);
      const own = `ip address add ${address}/24 dev eth0; ip link set eth0 up`;
      await sh(holder, `ip link set lo up; ${own}`);
    }
    const lines = [...this.#addresses].map(([name, address]) => `${address} ${name}\n`);
    writeFileSync(join(this.#dir, 'hosts'), ['127.0.0.1 localhost\n', ...lines].join(''));
    writeFileSync(join(this.#dir, 'nsswitch.conf'), 'hosts: files\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const holder of this.#hosts.values()) holder.stdin?.end();
    this.#switch?.stdin?.end();
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A process that holds a network as long as we are there. */
async function hold(): Promise<ChildProcess> {
  const words = ['--net', 'sh', '-c', 'echo; exec cat'];
  const holder = spawn('unshare', words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [first] = await Promise.race([once(holder.stdout, 'data'), once(holder, 'close')]);
  if (!Buffer.isBuffer(first)) throw new Error('no network of its own; this needs root');
  return holder;
}

function sh(holder: ChildProcess, line: string): Promise<string> {
  // `ip` is where only root looks for programs.
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
  return run('nsenter', [`--net=/proc/${holder.pid}/ns/net`, '--', 'sh', '-ec', line], { env });
}
