import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDaemonProcess } from '../support/daemon.ts';
import { cluster, enableAuth, type TestCluster } from '../support/etcd.ts';
import { workplace } from '../support/house.ts';
import { startProxy } from '../support/proxy.ts';
import { fill, seed } from '../support/workload.ts';

const everyTwoSeconds = { 'schedule.cron': '*/2 * * * * *' };
const never = { 'schedule.cron': '0 0 1 1 *', 'schedule.catchUp': 'false' };

describe.concurrent('the daemon', () => {
  let etcd: TestCluster;
  beforeAll(async () => {
    etcd = await cluster('3.5', { members: 3 });
    await seed(etcd);
    await fill(etcd, { bytes: 48 * 1024 * 1024 });
  });
  afterAll(() => etcd[Symbol.asyncDispose]());

  test('backs up on schedule, prunes, and tells the truth in its metrics', async () => {
    using place = workplace(etcd);
    const keepTwo = { 'retention.keepLast': '2', 'retention.keepWithin': '0s' };
    const off = Object.fromEntries(
      ['hourly', 'daily', 'weekly', 'monthly'].map((rule) => [`retention.${rule}`, '0']),
    );
    await using daemon = await startDaemonProcess(place, {
      settings: { ...everyTwoSeconds, ...keepTwo, ...off, 'retention.minimum': '1' },
    });

    await daemon.until('prune-finished', 4);

    expect(daemon.of('run-failed')).toEqual([]);
    expect((await daemon.get('/healthz')).status).toBe(200);
    expect((await daemon.get('/readyz')).status).toBe(200);
    expect(await daemon.metric('etcd_backup_store_backups{store="local"}')).toBe(2);
    const last = await daemon.metric('etcd_backup_last_success_timestamp_seconds{store="local"}');
    expect(Date.now() / 1000 - last).toBeLessThan(10);
    const { backups } = (await (await daemon.get('/v1/backups')).json()) as { backups: unknown[] };
    expect(backups.length).toBeGreaterThanOrEqual(2);
    expect(await daemon.stop()).toBe(0);
  });

  test('finishes the run in progress at the first signal', async () => {
    using place = workplace(etcd);
    await using daemon = await startDaemonProcess(place, {
      settings: { ...never, 'schedule.onStart': 'true', 'log.level': 'trace' },
    });

    await daemon.until('step-advanced');
    expect(await daemon.stop()).toBe(0);

    expect(daemon.of('backup-committed')).toHaveLength(1);
    expect(daemon.of('daemon-stopped')).toHaveLength(1);
  });

  test('aborts the run in progress at the second signal, and lists nothing', async () => {
    using place = workplace(etcd);
    await using proxy = await startProxy(etcd.clientUrls[0] ?? '');
    place.settings['cluster.endpoints'] = proxy.url;
    await using daemon = await startDaemonProcess(place, {
      settings: { ...never, 'schedule.onStart': 'true', 'log.level': 'trace' },
    });
    await daemon.until('member-chosen');
    // The rest takes a minute: the run cannot be over before it is aborted.
    proxy.inject({ kind: 'trickle', bytesPerSecond: 1024 * 1024 });
    await daemon.until('step-advanced');

    daemon.process.kill('SIGTERM');
    await daemon.until('daemon-draining');
    // Two signals closer together than this count as one.
    await sleep(200);
    expect(await daemon.stop()).toBe(64);

    expect(daemon.of('backup-committed')).toEqual([]);
    expect(readdirSync(place.spoolDir)).toEqual([]);
    const files = readdirSync(place.storeDir, { recursive: true }).map(String);
    expect(files.filter((name) => /\.(db|json)$/.test(name))).toEqual([]);
  });

  test('leaves nothing when it is killed, and finds its state again in the store', async () => {
    using place = workplace(etcd);
    const settings = { ...never, 'schedule.onStart': 'true', 'log.level': 'trace' };
    await using first = await startDaemonProcess(place, { settings });
    await first.until('run-finished');
    await first.stop();
    await using killed = await startDaemonProcess(place, { settings });
    await killed.until('step-advanced');
    await killed.stop('SIGKILL');
    expect(readdirSync(place.spoolDir)).toHaveLength(1);

    place.settings['schedule.onStart'] = 'false';
    await using again = await startDaemonProcess(place);
    await again.until('spool-swept');
    await again.until('catalog-read');

    expect(readdirSync(place.spoolDir)).toEqual([]);
    expect(await again.metric('etcd_backup_store_backups{store="local"}')).toBe(1);
    const last = await again.metric('etcd_backup_last_success_timestamp_seconds{store="local"}');
    expect(last).toBeGreaterThan(0);
  });

  test('catches up a slot that was missed while it was down', async () => {
    using place = workplace(etcd);
    await using daemon = await startDaemonProcess(place, {
      settings: { 'schedule.cron': '0 0 * * *', 'schedule.catchUp': 'true' },
    });

    await daemon.until('run-finished');

    expect(daemon.of('run-started')[0]).toMatchObject({ trigger: 'catch-up' });
  });

  test('shows a store that was emptied', async () => {
    using place = workplace(etcd);
    await using daemon = await startDaemonProcess(place, {
      settings: { ...never, 'schedule.onStart': 'true' },
    });
    await daemon.until('run-finished');
    const series = 'etcd_backup_last_success_timestamp_seconds{store="local"}';
    expect(await daemon.metric(series)).toBeGreaterThan(0);
    await daemon.stop();

    for (const name of readdirSync(place.storeDir))
      rmSync(join(place.storeDir, name), { recursive: true });
    place.settings['schedule.onStart'] = 'false';
    await using again = await startDaemonProcess(place, { settings: { 'log.level': 'debug' } });
    await again.until('catalog-read');

    expect(await again.metric(series)).toBe(0);
  });

  test('takes a backup when asked with the token, and only then', async () => {
    using place = workplace(etcd);
    const file = join(place.dir, 'operate-token');
    writeFileSync(file, 'the-first-token-of-the-test\n', { mode: 0o600 });
    await using daemon = await startDaemonProcess(place, {
      settings: { ...never, 'http.tokens.operate': file },
    });
    const ask = async (token?: string) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return (await daemon.get('/v1/backups', { method: 'POST', headers })).status;
    };

    expect(await ask()).toBe(401);
    expect(await ask('the-second-token-of-the-test')).toBe(401);
    writeFileSync(file, 'the-second-token-of-the-test\n', { mode: 0o600 });
    expect(await ask('the-second-token-of-the-test')).toBe(202);

    await daemon.until('run-finished');
    expect(daemon.of('call-made').map(({ status }) => status)).toEqual([401, 401, 202]);
  });

  test('says plainly that the password is wrong, and does not tell it', async () => {
    await using closed = await cluster('3.5');
    await enableAuth(closed, 'correct horse');
    using place = workplace(closed);
    const file = join(place.dir, 'password');
    writeFileSync(file, 'battery staple\n', { mode: 0o600 });
    const login = { 'cluster.auth.username': 'root', 'cluster.auth.passwordFile': file };
    await using daemon = await startDaemonProcess(place, {
      settings: { ...never, ...login, 'schedule.onStart': 'true', 'log.level': 'trace' },
    });

    const failed = await daemon.until('run-failed');

    expect(failed).toMatchObject({ failure: { code: 'cluster-auth' } });
    expect(await daemon.metric('etcd_backup_failures_total{code="cluster-auth"}')).toBe(1);
    expect((await daemon.get('/healthz')).status).toBe(200);
    expect(JSON.stringify(daemon.lines)).not.toContain('battery');
  });

  test('starts, stays alive and retries while the cluster does not answer', async () => {
    using place = workplace(etcd);
    await using daemon = await startDaemonProcess(place, {
      settings: {
        'cluster.endpoints': 'http://127.0.0.1:1',
        'schedule.cron': '0 0 * * *',
        'schedule.retryDelay': '1s',
      },
    });

    const failed = await daemon.until('run-failed');
    await daemon.until('retry-scheduled');

    expect(failed.msg).toContain('connection refused');
    expect((await daemon.get('/healthz')).status).toBe(200);
    const failures = 'etcd_backup_failures_total{code="cluster-unreachable"}';
    expect(await daemon.metric(failures)).toBeGreaterThan(0);
    await sleep(200);
    expect(await daemon.stop()).toBe(0);
  });
});
