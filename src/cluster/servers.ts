import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from '../core/errors.ts';
import { freePorts } from './loopback.ts';
import { EtcdServer, type ServerPlan } from './server.ts';

/**
 * A cluster of real etcd processes on this host's loopback, for demos, drills and tests. Whoever
 * starts one owns it: disposing stops every process. Data stays where it is.
 */
export interface EtcdClusterOptions {
  /** The etcd program; `etcdctl` is expected beside it. */
  readonly binary: string;
  /** Holds NAME/ (data) and NAME.log for every member. A NAME/ that exists is started as it is. */
  readonly dataDir: string;
  /** How many members, named m1, m2, ...; or their names. 3 by default. */
  readonly members?: number | readonly string[];
  /** One per member, for data that was restored with these URLs in it. Chosen if left out. */
  readonly peerUrls?: readonly string[];
  /** Given to etcd after our own flags, so they win. */
  readonly extraArgs?: readonly string[];
  /** The whole environment of every member, for what must be preloaded. Empty if left out. */
  readonly env?: Readonly<Record<string, string>>;
  /** Serves clients by TLS. Peers talk in the clear, they never leave the loopback. */
  readonly tls?: ServerTls;
  /** Flags for `etcdctl` that `addMember` needs, such as --user=root:PASSWORD. */
  readonly clientArgs?: readonly string[];
  readonly startLimitMs?: number;
  /** Ends the start. What has been started by then is stopped before the promise rejects. */
  readonly signal?: AbortSignal;
}

export interface ServerTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Whether clients must show a certificate of the same CA. */
  readonly clientCertAuth?: boolean;
}

export interface EtcdCluster extends AsyncDisposable {
  readonly members: readonly EtcdServer[];
  readonly clientUrls: readonly string[];
  readonly dataDir: string;
  addMember(name: string, options?: { readonly learner?: boolean }): Promise<EtcdServer>;
  /** Stops every member that runs. Safe to call twice. */
  stop(): Promise<void>;
}

// Somebody else took one of the ports between our look and etcd's start: 5 such accidents in a
// row are no accident.
const startAttempts = 5;

export async function startEtcdCluster(options: EtcdClusterOptions): Promise<EtcdCluster> {
  await mkdir(options.dataDir, { recursive: true });
  for (let attempt = 1; ; attempt += 1) {
    const plans = await planMembers(options);
    const fresh = plans.map((plan) => plan.dataDir).filter((dir) => !existsSync(dir));
    const cluster = new RunningCluster(options, plans);
    try {
      await cluster.start();
      return cluster;
    } catch (thrown) {
      await cluster.stop();
      if (!isPortTaken(thrown) || attempt === startAttempts) throw thrown;
      await Promise.all(fresh.map((dir) => rm(dir, { recursive: true, force: true })));
    }
  }
}

class RunningCluster implements EtcdCluster {
  readonly dataDir: string;
  readonly #options: EtcdClusterOptions;
  readonly #members: EtcdServer[];
  readonly #killAll = () => {
    for (const member of this.#members) member.killNow();
  };

  constructor(options: EtcdClusterOptions, plans: readonly ServerPlan[]) {
    this.dataDir = options.dataDir;
    this.#options = options;
    this.#members = plans.map((plan) => new EtcdServer(plan));
  }

  get members(): readonly EtcdServer[] {
    return this.#members;
  }

  get clientUrls(): readonly string[] {
    return this.#members.map((member) => member.clientUrl);
  }

  async start(): Promise<void> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    process.once('exit', this.#killAll);
    // One after the other: an early end of one must not leave another half launched.
    for (const member of this.#members) await member.launch();
    await Promise.all(this.#members.map((member) => member.untilHealthy(this.#limits())));
  }

  async addMember(name: string, { learner = false } = {}): Promise<EtcdServer> {
    const [clientPort, peerPort, metricsPort] = await freePorts(3);
    const peerUrl = loopback('http', peerPort);
    await this.#etcdctl([
      ...['member', 'add', name, `--peer-urls=${peerUrl}`],
      ...(learner ? ['--learner'] : []),
    ]);
    const peers = [...this.#members, { name, peerUrl }];
    const plan = planMember(this.#options, {
      name,
      peerUrl,
      clientUrl: loopback(clientScheme(this.#options), clientPort),
      metricsUrl: loopback('http', metricsPort),
      initial: ['--initial-cluster-state=existing', initialCluster(peers)],
    });
    const member = new EtcdServer(plan);
    this.#members.push(member);
    await member.launch();
    await member.untilHealthy(this.#limits());
    return member;
  }

  async stop(): Promise<void> {
    for (const member of this.#members) member.resume();
    // One after the other: a leader that ends hands its leadership over, and waits 7 seconds if
    // the heir ends at the same moment.
    for (const member of this.#members) await member.stop();
    process.off('exit', this.#killAll);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #limits() {
    const { startLimitMs, signal } = this.#options;
    return startLimitMs === undefined ? { signal } : { limitMs: startLimitMs, signal };
  }

  async #etcdctl(args: readonly string[]): Promise<void> {
    const { binary, tls, clientArgs = [] } = this.#options;
    const endpoints = this.#members.filter((member) => member.running).map((m) => m.clientUrl);
    const certificates =
      tls === undefined ? [] : [`--cacert=${tls.ca}`, `--cert=${tls.cert}`, `--key=${tls.key}`];
    const all = [`--endpoints=${endpoints.join(',')}`, ...certificates, ...clientArgs, ...args];
    try {
      await promisify(execFile)(join(dirname(binary), 'etcdctl'), all, {
        env: {},
        timeout: 30_000,
      });
    } catch (thrown) {
      throw new Failure('etcd-start', `etcdctl ${args.join(' ')} did not succeed`, {
        cause: thrown,
      });
    }
  }
}

async function planMembers(options: EtcdClusterOptions): Promise<ServerPlan[]> {
  const { members = 3, peerUrls = [] } = options;
  const names =
    typeof members === 'number' ? Array.from({ length: members }, (_, i) => `m${i + 1}`) : members;
  const ports = await freePorts(names.length * 3);
  const peers = names.map((name, i) => ({
    name,
    peerUrl: peerUrls[i] ?? loopback('http', ports[i * 3]),
  }));
  const initial = [
    '--initial-cluster-state=new',
    initialCluster(peers),
    // Two clusters of one host must not take each other's messages for their own.
    `--initial-cluster-token=${ports.join('-')}`,
  ];
  return peers.map((peer, i) =>
    planMember(options, {
      ...peer,
      clientUrl: loopback(clientScheme(options), ports[i * 3 + 1]),
      metricsUrl: loopback('http', ports[i * 3 + 2]),
      initial,
    }),
  );
}

interface MemberPlace {
  readonly name: string;
  readonly peerUrl: string;
  readonly clientUrl: string;
  readonly metricsUrl: string;
  readonly initial: readonly string[];
}

function planMember(options: EtcdClusterOptions, place: MemberPlace): ServerPlan {
  const { binary, dataDir, tls, env = {}, extraArgs = [] } = options;
  const { initial, ...urls } = place;
  const memberDir = join(dataDir, place.name);
  const args = [
    `--name=${place.name}`,
    `--data-dir=${memberDir}`,
    `--listen-client-urls=${place.clientUrl}`,
    `--advertise-client-urls=${place.clientUrl}`,
    `--listen-peer-urls=${place.peerUrl}`,
    `--initial-advertise-peer-urls=${place.peerUrl}`,
    `--listen-metrics-urls=${place.metricsUrl}`,
    ...initial,
    ...(tls === undefined ? [] : tlsArgs(tls)),
    ...extraArgs,
  ];
  const logFile = join(dataDir, `${place.name}.log`);
  return { ...urls, binary, args, env, dataDir: memberDir, logFile };
}

function tlsArgs({ ca, cert, key, clientCertAuth = false }: ServerTls): string[] {
  const shown = [`--cert-file=${cert}`, `--key-file=${key}`];
  return clientCertAuth ? [...shown, '--client-cert-auth', `--trusted-ca-file=${ca}`] : shown;
}

function initialCluster(peers: readonly { name: string; peerUrl: string }[]): string {
  return `--initial-cluster=${peers.map((peer) => `${peer.name}=${peer.peerUrl}`).join(',')}`;
}

function clientScheme({ tls }: EtcdClusterOptions): 'http' | 'https' {
  return tls === undefined ? 'http' : 'https';
}

function loopback(scheme: 'http' | 'https', port: number | undefined): string {
  if (port === undefined) throw new Failure('etcd-start', 'no free loopback port was found');
  return `${scheme}://127.0.0.1:${port}`;
}

function isPortTaken(thrown: unknown): boolean {
  return thrown instanceof Failure && thrown.context.portTaken === true;
}
