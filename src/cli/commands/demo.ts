import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePorts } from '../../cluster/loopback.ts';
import { startEtcdCluster } from '../../cluster/servers.ts';
import type { ConfigFlag } from '../../config/flags.ts';
import { Failure } from '../../core/errors.ts';
import type { Observe } from '../../core/events.ts';
import { joinObservers } from '../../observe/join.ts';
import { logObserver } from '../../observe/log.ts';
import { attend } from '../attend.ts';
import type { Call, Command } from '../command.ts';
import { writeKeys } from '../demo-writes.ts';
import { loadSettings } from '../settings.ts';
import { listCommand } from './list.ts';
import { pruneCommand } from './prune.ts';
import { verifyCommand } from './verify.ts';

export const demoCommand: Command = {
  name: 'demo',
  summary: 'Show the daemon at work on a real three-member etcd, in a folder that is removed again',
  usage: '[options]',
  positionals: { min: 0, max: 0 },
  options: {
    etcd: { type: 'string', value: 'FILE', doc: 'the etcd program (default: etcd on PATH)' },
    backups: { type: 'string', value: 'N', doc: 'stop after so many backups (default: 5)' },
  },
  examples: ['etcd-backupd demo', 'etcd-backupd demo --etcd /usr/local/bin/etcd --backups 3'],
  codes: ['etcd-start'],
  run,
};

/** A slot every three seconds for a minute at the most: the demo ends whatever happens. */
const demoCron = '*/3 * * * * *';
const demoLimitMs = 60_000;

async function run(call: Call): Promise<number> {
  const wanted = backupsWanted(call);
  const binary = etcdProgram(call);
  const say = (line: string): void => call.terminal.err(`\n# ${line}\n`);
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'etcd-backupd-demo-'));
  opened.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));

  say(`starting a cluster of three etcd members (${binary}) below ${folder}`);
  const dataDir = join(folder, 'etcd');
  const { signal } = call;
  const cluster = opened.use(await startEtcdCluster({ binary, dataDir, members: 3, signal }));
  opened.use(writeKeys(cluster.clientUrls[0] as string));

  say(`running the daemon: a slot every 3 seconds, the newest 3 backups kept, until ${wanted}`);
  const flags = await demoFlags(folder, cluster.clientUrls);
  const demoCall: Call = { ...call, values: {}, positionals: [], flags };
  const metrics = await runDaemon(demoCall, wanted);

  say('what Prometheus would have scraped at the end (an excerpt)');
  call.terminal.out(metrics);
  say('etcd-backupd list');
  const listed = await listCommand.run(demoCall);
  say('etcd-backupd verify --all --deep');
  const verified = await verifyCommand.run({ ...demoCall, values: { all: true, deep: true } });
  say('etcd-backupd prune --dry-run');
  const planned = await pruneCommand.run({ ...demoCall, values: { 'dry-run': true } });
  say('stopping the cluster and removing the folder');
  return listed || verified || planned;
}

function backupsWanted(call: Call): number {
  const text = call.values.backups ?? '5';
  if (typeof text === 'string' && /^[1-9]\d?$/.test(text)) return Number(text);
  throw new Failure('usage', `--backups takes a number from 1 to 99, not ${text}`);
}

function etcdProgram(call: Call): string {
  const given = call.values.etcd;
  const folders = (call.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const places = typeof given === 'string' ? [given] : folders.map((one) => join(one, 'etcd'));
  const found = places.find(isProgram);
  if (found !== undefined) return found;
  const where = typeof given === 'string' ? given : 'on PATH';
  throw new Failure('etcd-start', `there is no etcd program ${where}`, {
    hint: 'Install etcd, or name its program with --etcd FILE.',
  });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function demoFlags(folder: string, urls: readonly string[]): Promise<ConfigFlag[]> {
  const [port] = await freePorts(1);
  const store = { name: 'local', type: 'file', path: join(folder, 'backups') };
  const settings = {
    'cluster.name': 'demo',
    'cluster.endpoints': urls.join(','),
    'schedule.cron': demoCron,
    'schedule.onStart': 'true',
    'retention.keepLast': '3',
    'retention.keepWithin': '0s',
    'retention.hourly': '0',
    'retention.daily': '0',
    'retention.weekly': '0',
    'retention.monthly': '0',
    'retention.minimum': '1',
    'spool.dir': join(folder, 'spool'),
    'http.listen': `127.0.0.1:${port}`,
    stores: JSON.stringify([store]),
  };
  return Object.entries(settings).map(([name, value]) => ({ name, value }));
}

/** Runs the daemon until it took enough backups; returns an excerpt of its metrics. */
async function runDaemon(call: Call, wanted: number): Promise<string> {
  const loaded = loadSettings(call, { checkFiles: true });
  const destination = { write: (line: string) => call.terminal.err(line) };
  const log = logObserver({ level: 'info', pretty: true, destination });
  const enough = Promise.withResolvers<void>();
  let committed = 0;
  const count: Observe = (event) => {
    if (event.kind === 'run-finished' && event.result === 'success') committed += 1;
    if (committed >= wanted) enough.resolve();
  };
  await using attended = await attend(loaded, joinObservers({ log, count }));
  const late = new Failure('timed-out', `no ${wanted} backups in ${demoLimitMs / 1000} s`);
  const timer = setTimeout(() => enough.reject(late), demoLimitMs);
  call.signal.addEventListener('abort', () => enough.reject(call.signal.reason), { once: true });
  await enough.promise.finally(() => clearTimeout(timer));
  const scraped = await fetch(`${attended.admin?.address}/metrics`);
  await attended.daemon.drain('the end of the demo');
  return excerpt(await scraped.text());
}

function excerpt(metrics: string): string {
  const shown =
    /^etcd_backup_(last_success|runs_total\{result="success|store_|size_|revision|pruned)/;
  const lines = metrics.split('\n').filter((line) => shown.test(line));
  return lines.map((line) => `${line}\n`).join('');
}
