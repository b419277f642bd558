/** The daemon as a process of its own: its log is read as it comes, its doors are knocked at. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { freePorts } from '../../src/cluster/loopback.ts';
import { startProgram, type Workplace } from './house.ts';

export interface LogLine {
  readonly event: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export class RunningDaemon implements AsyncDisposable {
  readonly lines: LogLine[] = [];
  readonly process: ChildProcess;
  readonly url: string;
  readonly exited: Promise<number | null>;
  readonly #waiting = new Set<() => void>();

  constructor(process: ChildProcess, url: string) {
    this.process = process;
    this.url = url;
    this.exited = once(process, 'exit').then(([code]) => code as number | null);
    createInterface({ input: process.stdout! }).on('line', (line) => {
      this.lines.push(JSON.parse(line));
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    });
    process.stderr?.resume();
  }

  of(event: string): LogLine[] {
    return this.lines.filter((line) => line.event === event);
  }

  /** Waits for the n-th line of an event, from the start. */
  async until(event: string, count = 1, limitMs = 200_000): Promise<LogLine> {
    const late = AbortSignal.timeout(limitMs);
    while (this.of(event).length < count) {
      const { exitCode, signalCode } = this.process;
      if (late.aborted || exitCode !== null || signalCode !== null) {
        const last = this.lines.slice(-5).map(({ msg }) => msg);
        throw new Error(`no ${event} number ${count}; last: ${last.join(' | ')}`);
      }
      await Promise.race([this.heard(), once(late, 'abort'), this.exited]);
    }
    return this.of(event)[count - 1] as LogLine;
  }

  /** The next line, whatever it tells. */
  heard(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  get(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, init);
  }

  /** The value of one series of the metrics page; NaN when there is none. */
  async metric(series: string): Promise<number> {
    const text = await (await this.get('/metrics')).text();
    const line = text.split('\n').find((each) => each.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1) ?? Number.NaN);
  }

  /** Resident memory now and at its highest, in bytes. */
  memory(): { readonly nowBytes: number; readonly peakBytes: number } {
    const status = readFileSync(`/proc/${this.process.pid}/status`, 'utf8');
    const kilobytes = (key: string) =>
      Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
    return { nowBytes: kilobytes('VmRSS') * 1024, peakBytes: kilobytes('VmHWM') * 1024 };
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.process.kill(signal);
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
  }
}

/** Starts the daemon and returns when its admin API listens. */
export async function startDaemonProcess(
  place: Workplace,
  options: {
    readonly program?: string;
    readonly nodeArgs?: readonly string[];
    readonly env?: NodeJS.ProcessEnv;
    readonly settings?: Record<string, string>;
  } = {},
): Promise<RunningDaemon> {
  const [port] = await freePorts(1);
  place.settings['http.enabled'] = 'true';
  place.settings['http.listen'] = `127.0.0.1:${port}`;
  Object.assign(place.settings, options.settings);
  const child = startProgram(['run', ...place.words()], options);
  const daemon = new RunningDaemon(child, `http://127.0.0.1:${port}`);
  await daemon.until('http-listening');
  return daemon;
}
