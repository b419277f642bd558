/** The program put together for tests: a configuration, the engine, what it told, and the CLI. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildHouse, type House } from '../../src/cli/wire.ts';
import type { ConfigFlag } from '../../src/config/flags.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Event, EventKind } from '../../src/core/events.ts';
import { type BackupReport, takeBackup } from '../../src/engine/backup.ts';
import type { TestCluster } from './etcd.ts';

export interface Workplace extends Disposable {
  readonly dir: string;
  readonly storeDir: string;
  readonly spoolDir: string;
  /** Configuration keys and values; change them before use. */
  readonly settings: Record<string, string>;
  flags(): ConfigFlag[];
  /** The same as words of a command line. */
  words(): string[];
}

/** A folder with a spool and a file store, configured for the cluster. */
export function workplace(
  cluster: Pick<TestCluster, 'clientUrls' | 'tls' | 'clientPair'>,
): Workplace {
  const dir = mkdtempSync(join(tmpdir(), 'etcd-backupd-test-'));
  const [storeDir, spoolDir] = [join(dir, 'store'), join(dir, 'spool')];
  mkdirSync(storeDir, { mode: 0o700 });
  mkdirSync(spoolDir, { mode: 0o700 });
  const { tls, clientPair } = cluster;
  const settings: Record<string, string> = {
    'cluster.name': 'test',
    'cluster.endpoints': cluster.clientUrls.join(','),
    'cluster.requestTimeout': '5s',
    'spool.dir': spoolDir,
    'http.enabled': 'false',
    // Their usual hours come while tests run, too.
    'heal.cron': '0 0 1 1 *',
    'scrub.cron': 'never',
    stores: JSON.stringify([{ name: 'local', type: 'file', path: storeDir }]),
    ...(tls === undefined ? {} : { 'cluster.tls.ca': tls.ca }),
    ...(clientPair === undefined
      ? {}
      : { 'cluster.tls.cert': clientPair.cert, 'cluster.tls.key': clientPair.key }),
  };
  const flags = (): ConfigFlag[] =>
    Object.entries(settings).map(([name, value]) => ({ name, value }));
  return {
    dir,
    storeDir,
    spoolDir,
    settings,
    flags,
    words: () => flags().map(({ name, value }) => `--${name}=${value}`),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }),
  };
}

export interface Worker extends House {
  readonly events: Event[];
  of<K extends EventKind>(kind: K): Extract<Event, { kind: K }>[];
  backup(options?: { signal?: AbortSignal; skipUnchangedMs?: number }): Promise<BackupReport>;
}

/** The engine with real adapters; `on` sees each event at the moment it happens. */
export function worker(place: Workplace, on: (event: Event) => void = () => undefined): Worker {
  const { config } = loadConfig({ env: {}, flags: place.flags(), cronFault: () => null });
  const events: Event[] = [];
  const house = buildHouse(config, (event) => {
    events.push(event);
    on(event);
  });
  return {
    ...house,
    events,
    of: (kind) => events.filter((event) => event.kind === kind) as never,
    backup: ({ signal = new AbortController().signal, skipUnchangedMs = 0 } = {}) =>
      takeBackup({ trigger: 'request', slot: null, attempt: 1, skipUnchangedMs }, house.deps, {
        signal,
      }),
    [Symbol.asyncDispose]: () => house[Symbol.asyncDispose](),
  };
}

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/** Starts the program; `nodeArgs` go to Node.js itself. */
export function startProgram(
  words: readonly string[],
  options: {
    readonly nodeArgs?: readonly string[];
    readonly env?: NodeJS.ProcessEnv;
    /** The main file: the compiled one, for what is measured; or the packaged program. */
    readonly program?: string;
  } = {},
): ChildProcess {
  const { nodeArgs = [], program = main } = options;
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const cache = program === main && NODE_COMPILE_CACHE ? { NODE_COMPILE_CACHE } : {};
  const isScript = /\.[jt]s$/.test(program);
  const [file, args] = isScript ? [process.execPath, [...nodeArgs, program]] : [program, nodeArgs];
  return spawn(file, [...args, ...words], {
    env: { PATH, ...cache, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs the program to its end. */
export async function runProgram(
  words: readonly string[],
  options: Parameters<typeof startProgram>[1] = {},
): Promise<Ran> {
  const child = startProgram(words, options);
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code, signal] = await once(child, 'close');
  return { code, signal, stdout, stderr };
}
