/** The program as a process: its exit status, its two outputs, its signals. */
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createSilent } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { freePorts } from '../../../src/cluster/loopback.ts';
import { type FailureCode, failureCodes, failureTable } from '../../../src/core/errors.ts';
import { programVersion } from '../../../src/core/version.ts';
import { runProgram } from '../../support/house.ts';
import { call, nameOf, place } from './calling.ts';
import { stock } from './stocked.ts';

const root = join(import.meta.dirname, '..', '..', '..');

describe('the exit statuses', () => {
  test('are the documented ones, in the documented order', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const rows = [...readme.matchAll(/^\| (\d+) \| `([a-z-]+)` \|$/gm)];

    expect(rows.map(([, status, code]) => [code, Number(status)])).toEqual(
      failureCodes.map((code) => [code, failureTable[code].exit]),
    );
  });

  test('are one for each failure, and none that a shell or a signal uses', () => {
    const statuses = failureCodes.map((code) => failureTable[code].exit as number);

    expect(new Set(statuses).size).toBe(statuses.length);
    for (const status of statuses) {
      expect(status).toBeGreaterThan(1);
      expect(status).toBeLessThan(126);
    }
  });

  test.each([
    [['list', '--no-such'], 'usage'],
    [['list', '--config=/no/such/file'], 'config-invalid'],
    [['show', 'latest'], 'backup-missing'],
    [['status'], 'cluster-unreachable'],
    [['demo', '--etcd=/no/such/program'], 'etcd-start'],
    [['inspect', '/dev/null/none'], 'usage'],
    [['version'], 'success'],
  ] satisfies [string[], FailureCode | 'success'][])(
    'are what the process ends with: %j',
    async (words, code) => {
      const configured = ['show', 'status'].includes(words[0] ?? '') ? place().words : [];

      const ran = await runProgram([...words, ...configured]);

      expect({ code: nameOf(ran.code), signal: ran.signal }).toEqual({ code, signal: null });
    },
  );
});

describe('the version', () => {
  test.each(['version', '--version'])('is the one of the package: %s', async (word) => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

    expect(await call([word])).toEqual({ code: 'success', out: `${version}\n`, err: '' });
    expect(version).toBe(programVersion);
  });
});

describe('output into a pipe', () => {
  test('is data without escape codes on one side, and talk on the other', async () => {
    const at = place({ 'log.level': 'info' });
    const { id } = await stock(at, { startedAt: '2026-11-19T15:45:00Z' });

    const ran = await runProgram(['verify', '--all', '--json', ...at.words]);

    expect(ran.code).toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject([{ backup: id, outcome: 'passed' }]);
    expect(ran.stderr).toContain(id);
    for (const text of [ran.stdout, ran.stderr]) {
      expect(text).not.toMatch(/[^\P{Cc}\n]/u);
      expect(text).toMatch(/\S\n$/);
    }
  });

  test('is whole, also when it is long', async () => {
    const { stdout, code } = await runProgram(['config', 'reference']);

    expect(code).toBe(0);
    expect(stdout).toBe(readFileSync(join(root, 'docs', 'configuration.md'), 'utf8'));
  });
});

describe('a signal', () => {
  /** A cluster that takes connections and never says a word. */
  async function silentCluster(): Promise<{ url: string; met: Promise<unknown> }> {
    const met = Promise.withResolvers<void>();
    const server = createSilent(() => met.resolve()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    onTestFinished(() => void server.close());
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, met: met.promise };
  }

  test.each([
    ['SIGINT', 'backup'],
    ['SIGTERM', 'check'],
    ['SIGINT', 'status'],
  ])('%s ends %s at once, and is not listened to any more', async (signal, command) => {
    const { url, met } = await silentCluster();
    const at = place({ 'cluster.endpoints': url, 'cluster.requestTimeout': '10m' });
    const signals = new EventEmitter();

    const called = call([command, ...at.words], { signals });
    await met;
    signals.emit(signal, signal);
    const told = await called;

    expect(told).toMatchObject({ code: 'stopped', out: '' });
    expect(told.err).toContain('etcd-backupd: stopped by a signal\n');
    expect(signals.eventNames()).toEqual([]);
  });

  test('drains the daemon, which tells its life on stdout as JSON', async () => {
    const at = place({ 'schedule.cron': '0 0 1 1 *', 'schedule.catchUp': 'false' });
    const signals = new EventEmitter();
    const onText = (text: string): void => {
      if (text.includes('"event":"next-run-scheduled"')) signals.emit('SIGTERM', 'SIGTERM');
    };

    const told = await call(['run', ...at.words], { signals, onText });

    const events = told.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).event);
    expect(told.code).toBe('success');
    expect(events[0]).toBe('daemon-started');
    expect(events.slice(-2)).toEqual(['daemon-draining', 'daemon-stopped']);
    expect(signals.eventNames()).toEqual([]);
  });
});

describe('run', () => {
  test('writes no event at the level fatal, not even a failed backup', async () => {
    const [port] = await freePorts(1);
    const at = place({
      'http.enabled': 'true',
      'http.listen': `127.0.0.1:${port}`,
      'schedule.onStart': 'true',
      'schedule.retries': '0',
      'log.level': 'fatal',
    });
    const signals = new EventEmitter();
    const failed = async (): Promise<void> => {
      const answer = await fetch(`http://127.0.0.1:${port}/v1/status`);
      expect(await answer.json()).toMatchObject({ lastRun: { result: 'failure' } });
    };

    const called = call(['run', ...at.words], { signals });
    await vi.waitFor(failed, { timeout: 10_000 });
    signals.emit('SIGTERM', 'SIGTERM');
    const told = await called;

    expect(told).toMatchObject({ code: 'success', out: '' });
  });

  test('ends where another program has its address', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const at = place({ 'http.enabled': 'true', 'http.listen': `127.0.0.1:${port}` });

    const told = await call(['run', ...at.words]);

    expect(told.code).toBe('http-listen');
    expect(told.err).toContain(`etcd-backupd: cannot listen on 127.0.0.1:${port}: `);
  });
});
