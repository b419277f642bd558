/** The configuration of a running daemon is changed: with a real file, real signals, real etcd. */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { statusOf } from '../support/asked-daemon.ts';
import type { RunningDaemon } from '../support/daemon.ts';
import { cluster, type TestCluster } from '../support/etcd.ts';
import { runProgram, type Workplace, workplace } from '../support/house.ts';
import { startProxy } from '../support/proxy.ts';
import { fileFor, operating, reload, spawnFrom, startFrom } from '../support/reloading.ts';
import { fill, seed } from '../support/workload.ts';
import { canMount, makeDisk } from '../unit/store/places.ts';

const successful = 'etcd_backup_config_last_reload_successful';
const everyTwoSeconds = { 'schedule.cron': '*/2 * * * * *' };

const backUp = (daemon: RunningDaemon) =>
  daemon.get('/v1/backups', { method: 'POST', headers: operating });

/** Store entries of a configuration, in folders of the workplace. */
function stores(place: Workplace, ...names: string[]): { readonly stores: string } {
  const entries = names.map((name) => {
    const path = name === 'local' ? place.storeDir : join(place.dir, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return { name, type: 'file', path };
  });
  return { stores: JSON.stringify(entries) };
}

function manifestsIn(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true }).map(String);
  return names.filter((name) => name.endsWith('.json'));
}

/** Names of stores that have any series. */
async function shownStores(daemon: RunningDaemon): Promise<string[]> {
  const page = await (await daemon.get('/metrics')).text();
  const names = [...page.matchAll(/[{,]store="([^"]+)"/g)].map(([, name]) => name as string);
  return [...new Set(names)].toSorted();
}

describe.concurrent('a reload', () => {
  let etcd: TestCluster;
  beforeAll(async () => {
    etcd = await cluster('3.5');
    await seed(etcd);
    await fill(etcd, { bytes: 24 * 1024 * 1024 });
  });
  afterAll(() => etcd[Symbol.asyncDispose]());

  test('by SIGHUP brings the new schedule and log level without a restart', async () => {
    using place = workplace(etcd);
    const file = await fileFor(place);
    await using daemon = await startFrom(file);
    const { startedAt } = await statusOf(daemon);
    await sleep(1100);

    file.change({ ...everyTwoSeconds, 'log.level': 'debug' });
    daemon.process.kill('SIGHUP');
    const told = await daemon.until('config-reloaded');
    await daemon.until('run-finished', 2);

    expect(told.changed).toEqual(['schedule.cron', 'log.level']);
    expect(daemon.of('run-started').every(({ trigger }) => trigger === 'schedule')).toBe(true);
    expect(daemon.of('run-started').every(({ slot }) => /[02468]\.000Z$/.test(`${slot}`))).toBe(
      true,
    );
    expect(daemon.of('step-finished').length).toBeGreaterThan(0);
    expect(daemon.of('daemon-started')).toHaveLength(1);
    const status = await statusOf(daemon);
    expect(status.startedAt).toBe(startedAt);
    const since = Date.parse(`${status.config.since}`);
    expect(status.config).toMatchObject({ waiting: false, refused: null });
    expect(Math.abs(Date.parse(`${told.time}`) - since)).toBeLessThan(1000);
    expect(await daemon.metric(successful)).toBe(1);
    const at = await daemon.metric('etcd_backup_config_last_reload_success_timestamp_seconds');
    expect(Math.abs(at * 1000 - since)).toBeLessThan(2000);
    expect(since).toBeGreaterThan(Date.parse(`${startedAt}`) + 1000);
    expect(await daemon.stop()).toBe(0);
  });

  test('over the API tells what has changed, and all that is wrong of a wrong file', async () => {
    using place = workplace(etcd);
    const file = await fileFor(place);
    await using daemon = await startFrom(file);

    file.change({ 'source.stallTimeout': '77s' });
    const good = await reload(daemon);
    const again = await reload(daemon);
    file.change({ 'schedule.cron': 'whenever', 'retention.keepLast': 'all' });
    const bad = await reload(daemon);
    const refused = await statusOf(daemon);
    const loud = [await daemon.metric(successful), daemon.of('config-refused')] as const;
    file.change({ 'schedule.cron': '0 0 1 1 *', 'retention.keepLast': '3' });
    const mended = await reload(daemon);

    expect(good).toEqual({
      status: 200,
      answer: { status: 'applied', changed: ['source.stallTimeout'] },
    });
    expect(again).toEqual({ status: 200, answer: { status: 'unchanged', changed: [] } });
    expect(bad).toMatchObject({ status: 422, answer: { code: 'config-invalid', status: 422 } });
    for (const part of ['2 problems', 'schedule.cron = "whenever"', 'retention.keepLast = "all"']) {
      expect(bad.answer['detail']).toContain(part);
      expect(loud[1][0]?.msg).toContain(part);
      expect(refused.config.refused?.message).toContain(part);
    }
    expect(loud[0]).toBe(0);
    expect(loud[1]).toHaveLength(1);
    expect(loud[1][0]?.msg).toMatch(/^admin API: THE CONFIGURATION WAS REFUSED, the old one goes/);
    expect(mended.answer['status']).toBe('applied');
    expect(await daemon.metric(successful)).toBe(1);
    expect((await statusOf(daemon)).config.refused).toBeNull();
    expect(daemon.of('call-made').map(({ path, status }) => `${path} ${status}`)).toEqual([
      '/v1/reload 200',
      '/v1/reload 200',
      '/v1/reload 422',
      '/v1/reload 200',
    ]);
  });

  test('that is refused leaves a daemon that goes on as before', async () => {
    using place = workplace(etcd);
    const file = await fileFor(place, everyTwoSeconds);
    await using daemon = await startFrom(file);
    await daemon.until('run-finished');

    file.change({ ...stores(place, 'local', 'second'), 'schedule.jitter': 'a bit' });
    daemon.process.kill('SIGHUP');
    await daemon.until('config-refused');
    const before = daemon.of('run-finished').length;
    await daemon.until('run-finished', before + 2);

    expect(daemon.of('run-failed')).toEqual([]);
    expect(await shownStores(daemon)).toEqual(['local']);
    expect(manifestsIn(join(place.dir, 'second'))).toEqual([]);
    const shown = await runProgram(['status', ...place.words().filter(isNotJitter)]);
    expect(shown.stdout).toMatch(
      /^config +REFUSED .* ago: 1 problem in the configuration; that of .* ago goes on$/m,
    );
  });

  test('needs the scope operate, and no fields', async () => {
    using place = workplace(etcd);
    const file = await fileFor(place);
    await using daemon = await startFrom(file);

    const anonymous = await daemon.get('/v1/reload', { method: 'POST' });
    const headers = { ...operating, 'content-type': 'application/json' };
    const body = JSON.stringify({ file: '/etc/passwd' });
    const filled = await daemon.get('/v1/reload', { method: 'POST', headers, body });

    await daemon.until('call-made', 2);

    expect([anonymous.status, filled.status]).toEqual([401, 400]);
    expect(daemon.of('config-reloaded')).toEqual([]);
  });

  test('tells of the address of the API that it takes a restart', async () => {
    using place = workplace(etcd);
    const file = await fileFor(place);
    await using daemon = await startFrom(file);

    file.change({ 'http.listen': '127.0.0.1:1', 'schedule.cron': '30 * * * *' });
    const { status, answer } = await reload(daemon);

    expect(status).toBe(422);
    expect(answer['detail']).toMatch(/http\.listen = "127\.0\.0\.1:1"\n +was 127.* restart the/);
    expect((await statusOf(daemon)).nextRun?.at).toMatch(/-01-01T00:00:00/);
  });

  test('reads a file that is being written when it has been written', async () => {
    using place = workplace(etcd);
    const file = await fileFor(place);
    await using daemon = await startFrom(file);
    const text = file.text({ ...stores(place, 'local', 'second'), ...everyTwoSeconds });

    // Each beginning that ends with a line is a file of its own right, or looks like one.
    writeFileSync(file.path, '');
    daemon.process.kill('SIGHUP');
    for (const line of text.split(/(?<=\n)/)) {
      appendFileSync(file.path, line);
      await sleep(100);
    }
    await daemon.until('config-reloaded');

    expect(daemon.of('config-refused')).toEqual([]);
    expect(await shownStores(daemon)).toEqual(['local', 'second']);
  });

  test('refuses a file that was left half written, at any place of it', async () => {
    using place = workplace(etcd);
    const file = await fileFor(place);
    const text = file.text(everyTwoSeconds);
    file.change({ 'schedule.cron': '0 0 1 1 *' });
    await using daemon = await startFrom(file);
    const inStores = text.indexOf('stores') + 12;

    for (const cut of [0, 10, Math.floor(text.length / 3), inStores]) {
      writeFileSync(file.path, text.slice(0, cut));
      expect(await reload(daemon)).toMatchObject({ status: 422 });
    }
    writeFileSync(file.path, text);

    expect(await reload(daemon)).toMatchObject({ status: 200 });
    await daemon.until('run-finished');
    expect(daemon.of('run-failed')).toEqual([]);
  });

  test('waits for the backup that runs, which ends in the stores that it began with', async () => {
    using place = workplace(etcd);
    await using proxy = await startProxy(etcd.clientUrls[0] ?? '');
    place.settings['cluster.endpoints'] = proxy.url;
    const file = await fileFor(place, { 'log.level': 'trace' });
    await using daemon = await startFrom(file);
    proxy.inject({ kind: 'trickle', bytesPerSecond: 1024 * 1024 });
    await backUp(daemon);
    await daemon.until('step-advanced');

    file.change(stores(place, 'second'));
    const asked = await reload(daemon);
    const waiting = await statusOf(daemon);
    proxy.inject({ kind: 'pass' });
    await daemon.until('config-reloaded');
    const first = {
      local: manifestsIn(place.storeDir),
      second: manifestsIn(join(place.dir, 'second')),
    };
    await backUp(daemon);
    await daemon.until('run-finished', 2);

    expect(asked).toEqual({
      status: 202,
      answer: { status: 'waiting', changed: expect.anything() },
    });
    expect(waiting.config.waiting).toBe(true);
    const order = daemon.lines.map(({ event }) => event);
    expect(order.indexOf('run-finished')).toBeLessThan(order.indexOf('config-reloaded'));
    expect(first.local).toHaveLength(1);
    expect(first.second).toEqual([]);
    expect(manifestsIn(place.storeDir)).toHaveLength(1);
    expect(manifestsIn(join(place.dir, 'second'))).toHaveLength(1);
    expect(daemon.of('run-failed')).toEqual([]);
  });

  test('keeps a request that waits for the end of the backup that runs', async () => {
    using place = workplace(etcd);
    await using proxy = await startProxy(etcd.clientUrls[0] ?? '');
    place.settings['cluster.endpoints'] = proxy.url;
    const file = await fileFor(place, { 'log.level': 'trace' });
    await using daemon = await startFrom(file);
    proxy.inject({ kind: 'trickle', bytesPerSecond: 1024 * 1024 });
    await backUp(daemon);
    await daemon.until('step-advanced');

    await backUp(daemon);
    file.change(stores(place, 'second'));
    await reload(daemon);
    proxy.inject({ kind: 'pass' });
    await daemon.until('run-finished', 2);

    expect(manifestsIn(place.storeDir)).toHaveLength(1);
    expect(manifestsIn(join(place.dir, 'second'))).toHaveLength(1);
  });

  test('shows of a new store what it holds, and nothing of one that is gone', async () => {
    using place = workplace(etcd);
    const file = await fileFor(place, stores(place, 'local', 'old'));
    await using daemon = await startFrom(file);
    await backUp(daemon);
    await daemon.until('run-finished');
    const both = await shownStores(daemon);
    const newest = 'etcd_backup_last_success_timestamp_seconds';
    const since = await daemon.metric(`${newest}{store="local"}`);

    file.change({ ...stores(place, 'local', 'new'), 'heal.enabled': 'false' });
    await reload(daemon);
    const fresh = await daemon.metric(`${newest}{store="new"}`);
    const kept = await daemon.metric(`${newest}{store="local"}`);
    const shown = await shownStores(daemon);
    file.change(stores(place, 'local', 'old'));
    await reload(daemon);
    const read = async () => (await statusOf(daemon)).stores.every(({ readAt }) => readAt !== null);
    while (!(await read())) await sleep(50);

    expect(since).toBeGreaterThan(0);
    expect(both).toEqual(['local', 'old']);
    expect(shown).toEqual(['local', 'new']);
    expect([fresh, kept]).toEqual([0, since]);
    expect(await shownStores(daemon)).toEqual(['local', 'old']);
    expect(await daemon.metric(`${newest}{store="old"}`)).toBe(since);
  });

  test('lets in who has the new token, and nobody with the old one', async () => {
    using place = workplace(etcd);
    const file = await fileFor(place);
    await using daemon = await startFrom(file);
    const tokenFile = join(place.dir, 'another-token');
    writeFileSync(tokenFile, 'another-token-of-whoever-operates\n', { mode: 0o600 });

    file.change({ 'http.tokens.operate': tokenFile });
    const { status } = await reload(daemon);
    const old = await reload(daemon);
    const headers = { authorization: 'Bearer another-token-of-whoever-operates' };
    const next = await daemon.get('/v1/reload', { method: 'POST', headers });

    expect([status, old.status, next.status]).toEqual([200, 401, 200]);
  });

  test('brings a new store what the others hold', async () => {
    using place = workplace(etcd);
    const file = await fileFor(place);
    await using daemon = await startFrom(file);
    await backUp(daemon);
    await daemon.until('run-finished');

    file.change(stores(place, 'local', 'second'));
    await reload(daemon);
    await daemon.until('backup-copied');

    expect(manifestsIn(join(place.dir, 'second'))).toEqual(manifestsIn(place.storeDir));
  });

  test('comes once for signals that come together, with what the file says at last', async () => {
    using place = workplace(etcd);
    const file = await fileFor(place);
    await using daemon = await startFrom(file);

    for (let each = 1; each <= 50; each += 1) {
      file.change({ 'schedule.jitter': `${each}s` });
      daemon.process.kill('SIGHUP');
      await sleep(10);
    }
    await daemon.until('config-reloaded');
    await sleep(1000);

    const reloads = daemon.of('config-reloaded').length;
    expect(reloads).toBeGreaterThanOrEqual(1);
    expect(reloads).toBeLessThanOrEqual(2);
    expect(await reload(daemon)).toMatchObject({ answer: { status: 'unchanged' } });
    expect(daemon.of('config-refused')).toEqual([]);
  });

  test('that is asked for while the daemon starts or stops harms neither', async () => {
    using place = workplace(etcd);
    const file = await fileFor(place);
    await using daemon = spawnFrom(file);

    while (!hearsHangups(daemon)) await sleep(1);
    const hangUp = setInterval(() => daemon.process.kill('SIGHUP'), 20);
    await daemon.until('config-reloaded');
    await daemon.until('next-run-scheduled');
    const code = daemon.stop();
    // Later, while Node.js itself ends, it listens to no signal any more.
    await daemon.until('daemon-stopped').finally(() => clearInterval(hangUp));

    expect(await code).toBe(0);
    expect(daemon.of('daemon-draining')).toHaveLength(1);
    expect(daemon.of('config-refused')).toEqual([]);
  });
});

describe.skipIf(!canMount())('the process that works on a mount', () => {
  test('ends with a reload that does without the store', async () => {
    await using etcd = await cluster('3.5');
    using place = workplace(etcd);
    const disk = makeDisk('size=256m');
    const mounted = { name: 'nas', type: 'nfs', path: join(disk, 'etcd'), mountPoint: disk };
    const local = { name: 'local', type: 'file', path: place.storeDir };
    const both = { stores: JSON.stringify([local, mounted]) };
    const file = await fileFor(place, { ...both, 'heal.enabled': 'false' });
    await using daemon = await startFrom(file);
    await backUp(daemon);
    await daemon.until('run-finished');
    const before = childrenOf(daemon);

    file.change(stores(place, 'local'));
    const asked = await reload(daemon);
    while (childrenOf(daemon).length > 0) await sleep(50);

    expect(before).toHaveLength(1);
    expect(asked.answer['status']).toBe('applied');
    expect(await shownStores(daemon)).toEqual(['local']);
  });
});

const isNotJitter = (word: string): boolean => !word.startsWith('--schedule.jitter');

function childrenOf({ process }: RunningDaemon): string[] {
  const folder = `/proc/${process.pid}/task/${process.pid}`;
  return readFileSync(`${folder}/children`, 'utf8').split(' ').filter(Boolean);
}

/** Before Node.js itself runs, the signal ends any process. */
function hearsHangups({ process }: RunningDaemon): boolean {
  const status = readFileSync(`/proc/${process.pid}/status`, 'utf8');
  const caught = /^SigCgt:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return (BigInt(`0x${caught}`) & 1n) === 1n;
}
