/** What the daemon tells from outside: its status and its metrics, held against the store. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, startAsked, statusOf } from '../support/asked-daemon.ts';
import type { RunningDaemon } from '../support/daemon.ts';
import { cluster, type TestCluster } from '../support/etcd.ts';
import { type Workplace, workplace } from '../support/house.ts';
import { startProxy } from '../support/proxy.ts';
import { fill } from '../support/workload.ts';

const mebibyte = 1024 * 1024;

/** Our own series of the metrics page, with their values. */
async function seriesOf(daemon: RunningDaemon): Promise<Map<string, string>> {
  const lines = (await (await daemon.get('/metrics')).text()).split('\n');
  const ours = lines.filter((line) => line.startsWith('etcd_backup_'));
  return new Map(ours.map((line) => line.split(/ (?=\S+$)/) as [string, string]));
}

/** What the store truly holds: the ids, sorted, and all bytes of data. */
function stored(place: Workplace): { ids: string[]; bytes: number } {
  const files = readdirSync(place.storeDir, { recursive: true }).map(String);
  const data = files.filter((name) => name.endsWith('.db'));
  const bytes = data.reduce((sum, name) => sum + statSync(join(place.storeDir, name)).size, 0);
  const manifests = files.filter((name) => name.endsWith('.json'));
  return { ids: manifests.map((name) => name.replace(/^.*\/|\.json$/g, '')).sort(), bytes };
}

function empty(place: Workplace): void {
  for (const name of readdirSync(place.storeDir))
    rmSync(join(place.storeDir, name), { recursive: true });
}

describe.concurrent('from outside, the daemon', () => {
  let etcd: TestCluster;
  beforeAll(async () => {
    etcd = await cluster('3.5');
    await fill(etcd, { bytes: 8 * mebibyte });
  });
  afterAll(() => etcd[Symbol.asyncDispose]());

  test('tells in its status what was, what is and what the store holds', async () => {
    using place = workplace(etcd);
    await using proxy = await startProxy(etcd.clientUrls[0] ?? '');
    place.settings['cluster.endpoints'] = proxy.url;
    await using daemon = await startAsked(place, { 'schedule.retryDelay': '1s' });
    await daemon.until('next-run-scheduled');
    expect(await statusOf(daemon)).toMatchObject({
      ...{ state: 'running', run: null, lastRun: null, retry: null, lastFailure: null },
      stores: [{ name: 'local', readable: true, backups: 0, newest: null }],
    });

    proxy.inject({ kind: 'trickle', bytesPerSecond: 2 * mebibyte });
    await ask(daemon);
    await daemon.until('step-advanced');
    const { run } = await statusOf(daemon);
    proxy.inject({ kind: 'pass' });
    expect(run).toMatchObject({ trigger: 'request', attempt: 1, step: 'drain' });
    expect(run?.member).toMatchObject({ name: 'm1', role: 'leader' });
    expect(run?.doneBytes).toBeGreaterThan(0);
    expect(run?.doneBytes).toBeLessThan(run?.totalBytes ?? 0);

    const first = await daemon.until('run-finished');
    await ask(daemon);
    const second = await daemon.until('run-finished', 2);
    const { ids, bytes } = stored(place);
    const good = await statusOf(daemon);
    expect(ids).toEqual([first['id'], second['id']].sort());
    expect(good).toMatchObject({ run: null, lastFailure: null, consecutiveFailures: 0 });
    expect(good.lastRun).toMatchObject({ result: 'success', trigger: 'request', id: second['id'] });
    const store = { readable: true, backups: 2, storedBytes: bytes, faults: 0, failure: null };
    expect(good.stores).toMatchObject([{ ...store, newest: { id: second['id'] } }]);

    proxy.inject({ kind: 'reset' });
    await ask(daemon);
    await daemon.until('retry-scheduled');
    const bad = await statusOf(daemon);
    expect(bad.lastRun).toMatchObject({ result: 'failure', id: null });
    expect(bad).toMatchObject({ consecutiveFailures: 1, retry: { attempt: 2, attempts: 6 } });
    expect(bad.lastFailure).toMatchObject({ code: 'cluster-unreachable' });
    expect(bad.stores).toMatchObject([{ ...store, newest: { id: second['id'] } }]);

    proxy.inject({ kind: 'pass' });
    const finished = await daemon.until('run-finished', 3);
    const again = await statusOf(daemon);
    expect(again.lastRun).toMatchObject({
      result: 'success',
      trigger: 'retry',
      id: finished['id'],
    });
    expect(again).toMatchObject({ retry: null, consecutiveFailures: 0 });
    expect(again.lastFailure).toEqual(bad.lastFailure);
    expect(again.stores).toMatchObject([{ backups: 3, newest: { id: finished['id'] } }]);
  });

  test('has every series at the first scrape, and its truth again after a restart', async () => {
    using place = workplace(etcd);
    await using daemon = await startAsked(place);
    const first = await seriesOf(daemon);
    await ask(daemon);
    await daemon.until('run-finished');
    const after = await seriesOf(daemon);
    expect(await daemon.stop()).toBe(0);
    await using again = await startAsked(place);
    await again.until('catalog-read');
    const restarted = await seriesOf(again);

    const names = (page: Map<string, string>) =>
      [...page.keys()].filter((name) => !name.startsWith('etcd_backup_source_info'));
    expect(names(first)).toEqual(names(after));
    expect(names(restarted)).toEqual(names(after));
    const ofStore = (page: Map<string, string>) =>
      [...page].filter(([name]) => name.includes('store="local"') && !name.includes('pruned'));
    expect(ofStore(restarted)).toEqual(ofStore(after));
    const { bytes } = stored(place);
    const series = (name: string) => `etcd_backup_${name}{store="local"}`;
    expect(first.get(series('last_success_timestamp_seconds'))).toBe('0');
    expect(Number(after.get(series('last_success_timestamp_seconds')))).toBeGreaterThan(1e9);
    expect(after.get(series('store_bytes'))).toBe(String(bytes));
    expect(after.get(series('store_up'))).toBe('1');
  });

  test('tells of a store that was emptied under it, and the next backup works', async () => {
    using place = workplace(etcd);
    await using proxy = await startProxy(etcd.clientUrls[0] ?? '');
    place.settings['cluster.endpoints'] = proxy.url;
    await using daemon = await startAsked(place, { 'schedule.retries': '0' });
    const age = 'etcd_backup_last_success_timestamp_seconds{store="local"}';
    await ask(daemon);
    await daemon.until('run-finished');
    expect(await daemon.metric(age)).toBeGreaterThan(0);

    empty(place);
    proxy.inject({ kind: 'reset' });
    await ask(daemon);
    await daemon.until('retries-ended');
    expect(await daemon.metric(age)).toBe(0);
    expect(await daemon.metric('etcd_backup_store_backups{store="local"}')).toBe(0);
    const { stores } = await statusOf(daemon);
    expect(stores).toMatchObject([{ readable: true, backups: 0, storedBytes: 0, newest: null }]);

    proxy.inject({ kind: 'pass' });
    await ask(daemon);
    const { id } = await daemon.until('run-finished', 2);
    expect(stored(place).ids).toEqual([id]);
    expect(await daemon.metric(age)).toBeGreaterThan(0);
    expect((await statusOf(daemon)).stores).toMatchObject([{ backups: 1, newest: { id } }]);
  });
});
