/** Starts the etcd of a drill and asks it. It is stopped by force: nobody needs what it wrote. */
import { execFile } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ClusterId, type Revision, revision } from '../core/backup.ts';
import { Failure, toFailure } from '../core/errors.ts';
import { askHttp } from './plain-http.ts';
import type { ContentHash } from './port.ts';
import {
  type EtcdProgram,
  type ScratchEtcd,
  type ScratchPlan,
  scratchMember,
} from './scratch-port.ts';
import { EtcdServer } from './server.ts';

interface Limits {
  readonly signal: AbortSignal;
}

// In the working folder. etcd 3.4 takes unix URLs only with a port behind the host.
const clientSocket = 'client:1';
const peerSocket = 'peer:1';
const versionLimitMs = 10_000;

export function etcdProgram(binary: string): EtcdProgram {
  return {
    version: ({ signal }) => versionOf(binary, signal),
    serve: (plan, { signal }) => ServingEtcd.start(binary, plan, signal),
  };
}

async function versionOf(binary: string, signal: AbortSignal): Promise<string> {
  const options = { env: {}, timeout: versionLimitMs, signal };
  const { stdout } = await promisify(execFile)(binary, ['--version'], options).catch((error) => {
    signal.throwIfAborted();
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : message.trim();
    throw new Failure('etcd-start', `${binary} cannot be run: ${reason}`, { cause: error });
  });
  const version = /^etcd Version: (\d+\.\d+\.\d+\S*)/m.exec(stdout)?.[1];
  if (version !== undefined) return version;
  throw new Failure('etcd-start', `${binary} is no etcd: it does not tell its version`);
}

class ServingEtcd implements ScratchEtcd {
  readonly #server: EtcdServer;
  readonly #cluster: ClusterId;
  readonly #limitMs: number;
  /** The kernel takes short paths of sockets only: through this handle the folder's is short. */
  readonly #folder: FileHandle;
  readonly #killNow = () => this.#server.killNow();

  private constructor(server: EtcdServer, plan: ScratchPlan, folder: FileHandle) {
    this.#server = server;
    this.#cluster = plan.cluster;
    this.#limitMs = plan.startLimitMs;
    this.#folder = folder;
  }

  static async start(binary: string, plan: ScratchPlan, signal: AbortSignal): Promise<ScratchEtcd> {
    const handle = await open(plan.folder, 'r');
    const server = new EtcdServer(serverPlan(binary, plan, socketIn(handle, clientSocket)));
    const etcd = new ServingEtcd(server, plan, handle);
    try {
      signal.throwIfAborted();
      process.once('exit', etcd.#killNow);
      await server.launch();
      await server.untilHealthy({ limitMs: plan.startLimitMs, signal });
      return etcd;
    } catch (error) {
      await etcd[Symbol.asyncDispose]();
      throw error;
    }
  }

  async hashKv(at: Revision, { signal }: Limits): Promise<ContentHash> {
    // The members of a cluster ask each other this way, without a user.
    const text = await this.#ask(peerSocket, '/members/hashkv', `{"revision":${at}}`, {
      method: 'GET',
      headers: { 'x-etcd-cluster-id': unpadded(this.#cluster) },
      signal,
    });
    const answer = JSON.parse(text) as { hash?: number; compact_revision?: number };
    const compact = answer.compact_revision ?? 0;
    return {
      hash: answer.hash ?? 0,
      compactRevision: compact < 0 ? undefined : revision(BigInt(compact)),
    };
  }

  async countKeys(at: Revision, { signal }: Limits): Promise<number> {
    // From the first key to the end, both written as one zero byte.
    const all = { key: 'AA==', range_end: 'AA==', revision: String(at), count_only: true };
    const body = JSON.stringify(all);
    const text = await this.#ask(clientSocket, '/v3/kv/range', body, { method: 'POST', signal });
    return Number((JSON.parse(text) as { count?: string }).count ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.kill('SIGKILL');
    process.off('exit', this.#killNow);
    await this.#folder.close();
  }

  async #ask(
    socket: string,
    path: string,
    body: string,
    how: { method: 'GET' | 'POST'; headers?: Record<string, string>; signal: AbortSignal },
  ): Promise<string> {
    const at = socketIn(this.#folder, socket);
    const question = { ...how, at, path, body, limitMs: this.#limitMs };
    const { status, text } = await askHttp(question).catch((error): never => {
      how.signal.throwIfAborted();
      const { code, message } = toFailure(error, 'etcd-start');
      throw new Failure(code, `the etcd of the drill, asked ${path}: ${message}`, { cause: error });
    });
    if (status === 200) return text;
    const shown = text.trim().slice(0, 200);
    const said = `the etcd of the drill answers ${path} with ${status}: ${shown}`;
    throw new Failure(/required revision/.test(text) ? 'revision-unavailable' : 'etcd-start', said);
  }
}

/** As etcd writes it, and compares it as text. */
function unpadded(id: ClusterId): string {
  return BigInt(`0x${id}`).toString(16);
}

function socketIn(folder: FileHandle, name: string): string {
  return `/proc/self/fd/${folder.fd}/${name}`;
}

function serverPlan(binary: string, plan: ScratchPlan, healthSocket: string) {
  const { folder, dataDir } = plan;
  const { name } = scratchMember;
  const [peerUrl = ''] = scratchMember.peerUrls;
  const clientUrl = `unix://${clientSocket}`;
  const args = [
    `--name=${name}`,
    `--data-dir=${dataDir}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=${name}=${peerUrl}`,
  ];
  const logFile = join(folder, 'etcd.log');
  const place = { dataDir, logFile, clientUrl, peerUrl, metricsUrl: healthSocket };
  return { name, binary, args, env: {}, folder, ...place };
}
