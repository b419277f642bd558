/** A real Prometheus for tests, and promtool beside it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../src/cluster/loopback.ts';
import {
  bringPrometheus,
  type PrometheusPrograms,
  type PrometheusSuite,
} from '../setup/prometheus.ts';

/**
 * The programs of a suite, or why they cannot be had here. Where MUST_RUN_PROMETHEUS is 1, not
 * having them is an error: a machine that promises them must not pass by leaving tests out.
 */
export async function prometheusHere(
  suite: PrometheusSuite,
): Promise<{ programs: PrometheusPrograms; skip?: never } | { programs?: never; skip: string }> {
  try {
    return { programs: await bringPrometheus(suite) };
  } catch (thrown) {
    const skip = `no Prometheus of ${suite}: ${(thrown as Error).message.split('\n').at(-1)}`;
    if (process.env.MUST_RUN_PROMETHEUS === '1') throw new Error(skip, { cause: thrown });
    return { skip };
  }
}

export interface Ended {
  readonly code: number | null;
  readonly said: string;
}

export async function promtool(
  { promtool }: PrometheusPrograms,
  args: readonly string[],
  stdin = '',
): Promise<Ended> {
  const child = spawn(promtool, args, { stdio: 'pipe' });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += chunk;
    });
  }
  child.stdin.end(stdin);
  const [code] = await once(child, 'close');
  return { code, said };
}

/** One result of a query. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

export interface FiringAlert {
  readonly state: 'pending' | 'firing';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export class RunningPrometheus implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #url: string;
  readonly #dir: string;
  #said = '';

  constructor(child: ChildProcess, url: string, dir: string) {
    this.#child = child;
    this.#url = url;
    this.#dir = dir;
    child.stderr?.on('data', (chunk) => {
      this.#said += chunk;
    });
  }

  async query(query: string): Promise<readonly Sample[]> {
    const { result } = await this.#ask<{ result: readonly Sample[] }>('query', { query });
    return result;
  }

  async alerts(): Promise<readonly FiringAlert[]> {
    return (await this.#ask<{ alerts: readonly FiringAlert[] }>('alerts')).alerts;
  }

  /** Asks until the answer is there: Prometheus tells nobody when it has scraped. */
  async until<T>(what: string, look: () => Promise<T | undefined>, limitMs = 120_000): Promise<T> {
    for (const endMs = performance.now() + limitMs; performance.now() < endMs; ) {
      const found = await look().catch(() => undefined);
      if (found !== undefined) return found;
      if (this.#child.exitCode !== null) break;
      await sleep(200);
    }
    throw new Error(`Prometheus never had ${what}; it said: ${this.#said.slice(-2000)}`);
  }

  /** Waits for an alert to fire, of this store if one is named. */
  untilFiring(name: string, store?: string): Promise<FiringAlert> {
    return this.until(`${name} firing`, async () =>
      (await this.alerts()).find(
        ({ state, labels }) =>
          state === 'firing' &&
          labels['alertname'] === name &&
          (store === undefined || labels['store'] === store),
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 3 });
  }

  async #ask<T>(path: string, words: Record<string, string> = {}): Promise<T> {
    const answer = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(words)}`);
    const { status, data, error } = (await answer.json()) as {
      status: string;
      data: T;
      error?: string;
    };
    if (status !== 'success') throw new Error(`${path} ${words['query'] ?? ''}: ${error}`);
    return data;
  }
}

/** Starts a Prometheus that scrapes one target each second and evaluates the rules. */
export async function startPrometheus(
  { prometheus }: PrometheusPrograms,
  { target, rules }: { readonly target: string; readonly rules: string },
): Promise<RunningPrometheus> {
  const dir = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const [port] = await freePorts(1);
  writeFileSync(join(dir, 'rules.yaml'), rules);
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yaml'],
    scrape_configs: [{ job_name: 'etcd-backupd', static_configs: [{ targets: [target] }] }],
  };
  // JSON is YAML.
  writeFileSync(join(dir, 'prometheus.yml'), JSON.stringify(config));
  const args = [
    `--config.file=${join(dir, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(dir, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const child = spawn(prometheus, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const running = new RunningPrometheus(child, `http://127.0.0.1:${port}`, dir);
  await running.until('an answer', () => running.query('vector(1)'));
  return running;
}
