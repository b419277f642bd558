import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../core/errors.ts';
import { askHttp } from './plain-http.ts';

/**
 * One real etcd process on this host, for demos, drills and tests. It keeps its ports and its data
 * directory over any number of restarts, and writes everything it says to one log file. It knows
 * nothing of the other members: `servers.ts` makes a cluster of several.
 */
export interface ServerPlan {
  readonly name: string;
  /** The etcd program. */
  readonly binary: string;
  readonly args: readonly string[];
  /** The whole environment of the process; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly dataDir: string;
  readonly logFile: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  /**
   * Plain HTTP whatever the client URL is, so that health needs no client certificate; or the path
   * of a socket.
   */
  readonly metricsUrl: string;
  /** Where it runs; our own working folder if left out. */
  readonly folder?: string;
}

export interface WaitLimits {
  readonly limitMs?: number;
  readonly signal?: AbortSignal | undefined;
}

// A member that starts next to busy neighbours on two cores needs seconds, not a minute.
const startLimitMs = 60_000;
// etcd hands its leadership over before it ends; without a live peer that takes up to 7 seconds.
const stopLimitMs = 10_000;

export class EtcdServer {
  readonly name: string;
  readonly dataDir: string;
  readonly logFile: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly metricsUrl: string;
  readonly #plan: ServerPlan;
  #child: ChildProcess | undefined;
  #logStart = 0;

  constructor(plan: ServerPlan) {
    this.name = plan.name;
    this.dataDir = plan.dataDir;
    this.logFile = plan.logFile;
    this.clientUrl = plan.clientUrl;
    this.peerUrl = plan.peerUrl;
    this.metricsUrl = plan.metricsUrl;
    this.#plan = plan;
  }

  /** The process id while the process lives. */
  get pid(): number | undefined {
    return this.running ? this.#child?.pid : undefined;
  }

  get running(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Starts the process and returns at once; `untilHealthy` waits for it. */
  async launch(): Promise<void> {
    const log = await open(this.logFile, 'a');
    try {
      this.#logStart = (await log.stat()).size;
      const child = spawn(this.#plan.binary, this.#plan.args, {
        stdio: ['ignore', log.fd, log.fd],
        // Not the caller's environment: etcd reads every flag from ETCD_... too.
        env: { ...this.#plan.env },
        cwd: this.#plan.folder,
      });
      this.#child = child;
      await once(child, 'spawn');
    } catch (thrown) {
      throw new Failure('etcd-start', `${this.#plan.binary} cannot be run`, { cause: thrown });
    } finally {
      await log.close();
    }
  }

  /** Waits until the member answers that it is healthy: it has a leader and can read. */
  async untilHealthy({ limitMs = startLimitMs, signal }: WaitLimits = {}): Promise<void> {
    const end = performance.now() + limitMs;
    while (!(await this.#isHealthy(signal))) {
      signal?.throwIfAborted();
      if (!this.running) throw await this.#startFailure('ended before it was healthy');
      if (performance.now() > end) {
        throw await this.#startFailure(`was not healthy after ${limitMs} ms`);
      }
      await sleep(50);
    }
  }

  /** Sends a signal that ends the process, also a paused one, and waits until it is gone. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT' = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.running) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    child.kill('SIGCONT');
    await gone;
  }

  /** SIGTERM, then SIGKILL when the limit has passed. Safe to call twice. */
  async stop({ limitMs = stopLimitMs }: { readonly limitMs?: number } = {}): Promise<void> {
    const limit = setTimeout(() => this.#child?.kill('SIGKILL'), limitMs);
    try {
      await this.kill('SIGTERM');
    } finally {
      clearTimeout(limit);
    }
  }

  /** For the last moment of our own process, where nothing can be waited for. */
  killNow(): void {
    if (this.running) this.#child?.kill('SIGKILL');
  }

  /** Freezes the process: its sockets stay open and nothing answers. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Stops the process if it runs, starts it on the same ports and data, and waits for health. */
  async restart(limits: WaitLimits = {}): Promise<void> {
    await this.stop();
    await this.launch();
    await this.untilHealthy(limits);
  }

  /** What this start of the process has written, at most its last `count` lines. */
  async lastLines(count = 12): Promise<string[]> {
    const bytes = await readFile(this.logFile);
    const text = bytes.subarray(this.#logStart).toString('utf8').trimEnd();
    return text.split('\n').slice(-count);
  }

  async #isHealthy(signal: AbortSignal | undefined): Promise<boolean> {
    try {
      const question = { at: this.metricsUrl, path: '/health', limitMs: 1000, signal };
      const { status, text } = await askHttp(question);
      return status === 200 && /"health":\s*"true"/.test(text);
    } catch {
      // Not listening yet, or frozen: the caller asks again until its own limit.
      return false;
    }
  }

  async #startFailure(what: string): Promise<Failure> {
    const lines = await this.lastLines();
    const portTaken = lines.some((line) => line.includes('address already in use'));
    const quote = lines.map((line) => `  ${line}`).join('\n');
    return new Failure(
      'etcd-start',
      `etcd member ${this.name} ${what}; the end of ${this.logFile}:\n${quote}`,
      { context: { member: this.name, logFile: this.logFile, portTaken } },
    );
  }
}
