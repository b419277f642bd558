/** Others are told by the real daemon and the real command about real backups. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificates } from '../support/certificates.ts';
import { startDaemonProcess } from '../support/daemon.ts';
import { cluster, type TestCluster } from '../support/etcd.ts';
import { runProgram, type Workplace, workplace } from '../support/house.ts';
import { startProxy } from '../support/proxy.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { seed } from '../support/workload.ts';

const never = { 'schedule.cron': '0 0 1 1 *', 'schedule.catchUp': 'false' };

describe.concurrent('others', () => {
  let etcd: TestCluster;
  beforeAll(async () => {
    etcd = await cluster('3.5');
    await seed(etcd);
  });
  afterAll(() => etcd[Symbol.asyncDispose]());

  test('are told over TLS, with a secret header, of a backup, its failure and its recovery', async () => {
    using place = workplace(etcd);
    const { ca, server } = makeCertificates(join(place.dir, 'tls'));
    await using at = await startReceiver(server);
    await using proxy = await startProxy(etcd.clientUrls[0] ?? '');
    const secrets = { url: `${at.url}/T0/hunter2`, key: 'Bearer hunter3', token: 'a'.repeat(20) };
    const file = saveAll(place, secrets);
    const webhook = {
      name: 'chat',
      url: file('url'),
      ca,
      headers: `Authorization=${file('key')}`,
      events: 'backup-succeeded,backup-failed,backup-recovered',
    };
    await using daemon = await startDaemonProcess(place, {
      settings: {
        ...never,
        'cluster.endpoints': proxy.url,
        'schedule.onStart': 'true',
        'schedule.retries': '0',
        'http.tokens.operate': file('token'),
        'log.level': 'trace',
        'notify.webhooks': JSON.stringify([webhook]),
        'notify.ping.success': `${at.url}/ping/good`,
        'notify.ping.failure': `${at.url}/ping/bad`,
        'notify.ping.ca': ca,
      },
    });
    const headers = { authorization: `Bearer ${secrets.token}` };
    const ask = () => daemon.get('/v1/backups', { method: 'POST', headers });

    await at.until(2);
    proxy.inject({ kind: 'reset' });
    await ask();
    await at.until(4);
    proxy.inject({ kind: 'pass' });
    await ask();
    await at.until(7);
    await daemon.until('notice-delivered', 7);

    const events = at.received.flatMap(({ path, body }) => {
      return path === '/T0/hunter2' ? [JSON.parse(body)] : [];
    });
    expect(events).toMatchObject([
      { format: 1, event: 'backup-succeeded', cluster: 'test', level: 'info' },
      { event: 'backup-failed', failure: { code: 'cluster-unreachable' } },
      { event: 'backup-succeeded', backup: expect.stringContaining('-r') },
      { event: 'backup-recovered' },
    ]);
    const pings = at.received.filter(({ method }) => method === 'GET');
    expect(pings.map(({ path }) => path)).toEqual(['/ping/good', '/ping/bad', '/ping/good']);
    expect(at.received.map(({ headers: sent }) => sent.authorization)).toContain('Bearer hunter3');
    const delivered = 'etcd_backup_notifications_total{target="chat",result="delivered"}';
    expect(await daemon.metric(delivered)).toBe(4);
    expect(JSON.stringify(daemon.lines)).not.toMatch(/hunter|ping\/good/);
  });

  test('who do not answer hold up no backup, and the end no longer than its limit', async () => {
    using place = workplace(etcd);
    await using at = await stalling();
    await using daemon = await startDaemonProcess(place, {
      settings: {
        ...never,
        'schedule.onStart': 'true',
        'notify.ping.success': at.url,
        'notify.ping.timeout': '5m',
      },
    });

    await daemon.until('run-finished');
    await at.until(1);
    expect(await daemon.stop()).toBe(0);

    expect(daemon.of('notice-failed')).toMatchObject([{ target: 'ping', attempts: 1 }]);
    expect(daemon.of('daemon-stopped')).toHaveLength(1);
  });

  test('hear of the backup that ends while the daemon drains', async () => {
    using place = workplace(etcd);
    await using at = await startReceiver();
    await using daemon = await startDaemonProcess(place, {
      settings: { ...never, 'schedule.onStart': 'true', 'notify.ping.success': at.url },
    });

    await daemon.until('run-started');
    expect(await daemon.stop()).toBe(0);

    expect(at.received).toHaveLength(1);
    expect(daemon.of('run-finished')).toHaveLength(1);
  });

  test('are told of a store once while it is dead, and when it is back', async () => {
    using place = workplace(etcd);
    await using at = await startReceiver();
    const file = saveAll(place, { token: 'b'.repeat(20) });
    await using daemon = await startDaemonProcess(place, {
      settings: {
        ...never,
        'schedule.retries': '0',
        'http.tokens.operate': file('token'),
        'notify.webhooks': JSON.stringify([
          {
            name: 'chat',
            url: at.url,
            events: 'store-failed,store-recovered',
            template: '{{event}} {{store}}',
          },
        ]),
      },
    });
    const ask = () =>
      daemon.get('/v1/backups', {
        method: 'POST',
        headers: { authorization: `Bearer ${'b'.repeat(20)}` },
      });
    const store = breakStore(place);

    await ask();
    await daemon.until('run-failed', 1);
    await ask();
    await daemon.until('run-failed', 2);
    store.mend();
    await ask();
    await daemon.until('run-finished');
    await at.until(2);

    expect(at.received.map(({ body }) => body)).toEqual([
      'store-failed local',
      'store-recovered local',
    ]);
  });

  test('are told by the command backup, which waits for them', async () => {
    using place = workplace(etcd);
    await using at = await startReceiver();
    at.conducts.push({ status: 503 });
    Object.assign(place.settings, { 'notify.ping.success': `${at.url}/good` });

    const { code, stdout } = await runProgram(['backup', ...place.words()]);

    expect(code).toBe(0);
    expect(at.received.map(({ path }) => path)).toEqual(['/good', '/good']);
    expect(readdirSync(place.storeDir, { recursive: true }).join()).toContain(stdout.trim());
  });
});

async function stalling(): Promise<Receiver> {
  const at = await startReceiver();
  at.conducts.push('stall', 'stall');
  return at;
}

/** Files with secrets, and where each is. */
function saveAll(place: Workplace, texts: Record<string, string>): (name: string) => string {
  const path = (name: string) => join(place.dir, `secret-${name}`);
  for (const [name, text] of Object.entries(texts)) {
    writeFileSync(path(name), `${text}\n`, { mode: 0o600 });
  }
  return path;
}

/** A file in the place of the store's folder. */
function breakStore({ storeDir }: Workplace): { mend(): void } {
  rmSync(storeDir, { recursive: true });
  writeFileSync(storeDir, '');
  return { mend: () => rmSync(storeDir) };
}
