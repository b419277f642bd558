/** The admin API over TLS, as the daemon serves it and its own commands ask it. */
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { type RunningDaemon, startDaemonProcess } from '../support/daemon.ts';
import { cluster, type TestCluster } from '../support/etcd.ts';
import { runProgram, type Workplace, workplace } from '../support/house.ts';
import { secureCall, secureStream } from '../support/secure-call.ts';
import { seed } from '../support/workload.ts';

interface Place {
  readonly daemon: RunningDaemon;
  readonly made: Certificates;
  readonly url: string;
  /** What the daemon shows. */
  readonly shown: { readonly cert: string; readonly key: string };
}

/** A daemon that backs up only when it is asked to, by whoever has the certificate of `ops`. */
async function secured(place: Workplace): Promise<Place> {
  const made = makeCertificates(join(place.dir, 'tls'), { clientName: 'ops' });
  const shown = made.issue('shown', { name: 'first', hosts: ['127.0.0.1'] });
  const token = join(place.dir, 'read-token');
  writeFileSync(token, 'the-token-of-whoever-reads\n', { mode: 0o600 });
  const daemon = await startDaemonProcess(place, {
    settings: {
      'schedule.cron': '0 0 1 1 *',
      'schedule.catchUp': 'false',
      'http.tls.cert': shown.cert,
      'http.tls.key': shown.key,
      'http.tls.clientCa': made.ca,
      'http.tokens.read': token,
      'http.clients.operate': 'ops',
    },
  });
  const [line] = daemon.of('http-listening');
  return { daemon, made, shown, url: String(line?.['address']) };
}

/** The kinds of events in a stream, as they come. */
function heardFrom(stream: IncomingMessage): { until(kind: string): Promise<void> } {
  const lines = createInterface({ input: stream })[Symbol.asyncIterator]();
  return {
    until: async (kind) => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true) throw new Error(`the stream ended before ${kind}`);
        if (String(value).startsWith('data: ') && JSON.parse(value.slice(6)).event === kind) return;
      }
    },
  };
}

describe.concurrent('the admin API over TLS', () => {
  let etcd: TestCluster;
  beforeAll(async () => {
    etcd = await cluster('3.5');
    await seed(etcd);
  });
  afterAll(() => etcd[Symbol.asyncDispose]());

  test('changes its certificate while somebody listens, and ends with the daemon', async () => {
    using place = workplace(etcd);
    const { daemon, made, shown, url } = await secured(place);
    await using _stopped = daemon;
    const us = { ca: made.ca, client: made.client };
    const order = () => secureCall(`${url}/v1/backups`, { ...us, method: 'POST' });
    const stream = await secureStream(`${url}/v1/events`, us);
    const heard = heardFrom(stream);

    const first = await order();
    await heard.until('run-finished');
    const next = made.issue('next', { name: 'second', hosts: ['127.0.0.1'] });
    copyFileSync(next.cert, shown.cert);
    const half = await secureCall(`${url}/healthz`, us);
    await daemon.until('http-certificate-kept');
    copyFileSync(next.key, shown.key);
    const second = await order();
    await heard.until('run-finished');
    const page = await secureCall(`${url}/metrics`, { ca: made.ca });

    expect(first).toMatchObject({ status: 202, shown: 'first' });
    expect(half).toMatchObject({ status: 200, shown: 'first' });
    expect(second).toMatchObject({ status: 202, shown: 'second' });
    expect(daemon.of('call-made').map(({ who }) => who)).toEqual(Array(2).fill('certificate:ops'));
    expect(page.body).toMatch(
      /^etcd_backup_certificate_expiry_timestamp_seconds{certificate="api"} [1-9]/m,
    );

    const ended = once(stream, 'end');
    stream.resume();
    expect(await daemon.stop()).toBe(0);
    await ended;
  });

  test('takes no order from anybody else', async () => {
    using place = workplace(etcd);
    const { daemon, made, url } = await secured(place);
    await using _stopped = daemon;
    const { ca, client, expiredClient, strangerClient, otherNameServer } = made;
    const order = { ca, method: 'POST' };

    const statuses = [];
    for (const other of [undefined, expiredClient, strangerClient, otherNameServer]) {
      const { status } = await secureCall(`${url}/v1/backups`, { ...order, client: other });
      statuses.push(status);
    }
    const plain = get(url.replace('https', 'http'));
    const [refused] = (await once(plain, 'error')) as [NodeJS.ErrnoException];
    const foreign = secureCall(`${url}/healthz`, { ca: made.strangerCa });
    await expect(foreign).rejects.toThrow(/self-signed/);
    const ours = await secureCall(`${url}/v1/backups`, { ...order, client });
    await daemon.until('run-finished');

    expect(statuses).toEqual([401, 401, 401, 401]);
    expect(refused.code).toBe('ECONNRESET');
    expect(ours.status).toBe(202);
    expect(daemon.of('call-made').map(({ who }) => who)).toEqual([
      ...Array(4).fill('anonymous'),
      'certificate:ops',
    ]);
    expect(daemon.of('run-started')).toHaveLength(1);
  });

  test('is asked by health and status on the same host', async () => {
    using place = workplace(etcd);
    const { daemon } = await secured(place);
    await using _stopped = daemon;

    const health = await runProgram(['health', ...place.words()]);
    const status = await runProgram(['status', ...place.words()]);

    expect(health).toMatchObject({ code: 0, stderr: '' });
    expect(status.stdout).toMatch(/^daemon +running, version/m);
  });
});
