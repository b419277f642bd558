import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { serverTlsReader } from '../../../src/config/server-tls.ts';
import { serveAdmin } from '../../../src/http/admin.ts';
import { EventStreams } from '../../../src/http/event-streams.ts';
import type { AdminOptions } from '../../../src/http/sources.ts';
import { eventFeed } from '../../../src/observe/feed.ts';
import {
  type CertificatePair,
  type Certificates,
  makeCertificates,
} from '../../support/certificates.ts';
import { secureCall, secureConnection, secureStream } from '../../support/secure-call.ts';
import { bearer, type House, house, operate } from './house.ts';

let certificates: Certificates;
let shown: CertificatePair;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tls-'));
  certificates = makeCertificates(folder, { clientName: 'ops' });
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  shown = certificates.issue('shown', { name: 'first', hosts: ['127.0.0.1'] });
});

/** A server over TLS; `clientCa` as it is configured. */
async function serve(
  changes: Partial<AdminOptions> = {},
  clientCa: string | null = null,
): Promise<House & { url: string }> {
  const tls = serverTlsReader({ ...shown, clientCa });
  const built = house({ tls, ...changes });
  const admin = await serveAdmin(built.options);
  onTestFinished(() => admin[Symbol.asyncDispose]());
  return { ...built, url: admin.address };
}

function kinds(events: House['events']): string[] {
  return events.map(({ kind }) => kind);
}

describe('the admin API over TLS', () => {
  test('says so in its address, and what it shows until when', async () => {
    const { url, events } = await serve();

    const answer = await secureCall(`${url}/healthz`, { ca: certificates.ca });

    expect(url).toMatch(/^https:/);
    expect(answer).toMatchObject({ status: 200, shown: 'first' });
    expect(events).toMatchObject([
      { kind: 'certificate-read', of: 'api', subject: 'CN=first', expiresAt: expect.any(Date) },
      { kind: 'http-listening', address: url },
    ]);
  });

  test('takes orders with a token', async () => {
    const { url, orders } = await serve();
    const order = { ca: certificates.ca, method: 'POST' };

    const refused = await secureCall(`${url}/v1/backups`, order);
    const taken = await secureCall(`${url}/v1/backups`, { ...order, headers: bearer(operate) });

    expect([refused.status, taken.status, orders()]).toEqual([401, 202, 1]);
  });

  test('does not speak TLS 1.1', async () => {
    const { url } = await serve();
    const old = { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL@SECLEVEL=0' } as const;

    const asked = secureCall(`${url}/healthz`, { ca: certificates.ca, more: old });

    await expect(asked).rejects.toThrow(/protocol version/);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'lets nobody resume a session of %s',
    async (version) => {
      const { url } = await serve();
      const { hostname: host, port } = new URL(url);
      const about = {
        host,
        port: Number(port),
        ca: readFileSync(certificates.ca),
        maxVersion: version,
      };
      const first = connect(about);
      let session: Buffer | undefined;
      first.on('session', (one) => {
        session = one;
      });
      await once(first, 'secureConnect');
      first.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
      await text(first);

      const second = connect({ ...about, session: session ?? first.getSession() });
      await once(second, 'secureConnect');

      expect(second.isSessionReused()).toBe(false);
      second.destroy();
    },
  );

  test('ends a connection that speaks plain HTTP, and serves the next one', async () => {
    const { url } = await serve();

    const plain = get(url.replace('https', 'http'));
    const [error] = (await once(plain, 'error')) as [NodeJS.ErrnoException];

    expect(error.code).toBe('ECONNRESET');
    expect((await secureCall(`${url}/healthz`, { ca: certificates.ca })).status).toBe(200);
  });
});

test('a stream of events over TLS is ended by the end of the server, not cut', async () => {
  const tls = serverTlsReader({ ...shown, clientCa: null });
  const feed = eventFeed({ now: () => new Date() });
  const { options } = house({ tls, events: new EventStreams(feed) });
  const admin = await serveAdmin(options);
  const stream = await secureStream(`${admin.address}/v1/events`, { ca: certificates.ca });
  const heard = text(stream);
  feed.observe({ kind: 'spool-swept', files: ['last'] });

  await admin[Symbol.asyncDispose]();

  expect(await heard).toContain('last');
});

describe('files that change', () => {
  test('count from the next connection on, and drop none', async () => {
    const { url, events } = await serve();
    const { ca } = certificates;
    const open = await secureConnection(url, ca);
    certificates.issue('shown', { name: 'second', hosts: ['127.0.0.1'] });

    const next = await secureCall(`${url}/healthz`, { ca });
    open.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    const before = await text(open);

    expect(next.shown).toBe('second');
    expect(before).toMatch(/^HTTP\/1\.1 200/);
    expect(events.at(-1)).toMatchObject({ kind: 'certificate-read', subject: 'CN=second' });
  });

  test('are told once while only half of them is new, and then taken', async () => {
    const { url, events } = await serve();
    const { ca } = certificates;
    const next = certificates.issue('next', { name: 'second', hosts: ['127.0.0.1'] });
    const call = async () => (await secureCall(`${url}/healthz`, { ca })).shown;

    copyFileSync(next.cert, shown.cert);
    const half = [await call(), await call()];
    copyFileSync(next.key, shown.key);
    const whole = await call();

    expect([...half, whole]).toEqual(['first', 'first', 'second']);
    expect(kinds(events).slice(2)).toEqual(['http-certificate-kept', 'certificate-read']);
    expect(events[2]).toMatchObject({
      failure: {
        code: 'config-invalid',
        message: `${shown.key} is not the key of the certificate in ${shown.cert}`,
      },
    });
  });

  test.each([
    ['gone', () => rmSync(shown.cert), 'does not exist (ENOENT)'],
    ['empty', () => writeFileSync(shown.cert, ''), 'holds no certificate in PEM form'],
    [
      'half written',
      () => writeFileSync(shown.cert, readFileSync(shown.cert).subarray(0, 500)),
      'holds no certificate in PEM form',
    ],
  ])('that are %s leave in use what was read before', async (_what, damage, reason) => {
    const { url, events } = await serve();
    damage();

    const answer = await secureCall(`${url}/healthz`, { ca: certificates.ca });

    expect(answer).toMatchObject({ status: 200, shown: 'first' });
    expect(events.at(-1)).toMatchObject({
      kind: 'http-certificate-kept',
      failure: { message: `${shown.cert} ${reason}` },
    });
  });

  test('that cannot be used keep the server from starting', async () => {
    rmSync(shown.key);

    await expect(serve()).rejects.toMatchObject({
      code: 'config-invalid',
      message: `${shown.key} does not exist (ENOENT)`,
    });
  });
});

describe('a client certificate', () => {
  const clients = { read: ['grafana'], operate: ['ops'] };
  const order = { method: 'POST' };

  test('opens what its name may, and is named in the audit', async () => {
    const { ca, client } = certificates;
    const { url, events, orders } = await serve({ tokens: {}, clients }, ca);

    const answer = await secureCall(`${url}/v1/backups`, { ca, client, ...order });

    expect([answer.status, orders()]).toEqual([202, 1]);
    expect(events.at(-1)).toMatchObject({ kind: 'call-made', who: 'certificate:ops' });
  });

  test('of a name that may only read does not order', async () => {
    const { ca } = certificates;
    const { url, events } = await serve({ tokens: {}, clients }, ca);
    const client = certificates.issue('grafana');

    const read = await secureCall(`${url}/v1/status`, { ca, client });
    const answer = await secureCall(`${url}/v1/backups`, { ca, client, ...order });

    expect([read.status, answer.status]).toEqual([200, 403]);
    expect(JSON.parse(answer.body).detail).toBe('the certificate allows reading only');
    expect(events.at(-1)).toMatchObject({ who: 'certificate:grafana', status: 403 });
  });

  test.each([
    ['expired', 'expiredClient', 'the client certificate does not count: CERT_HAS_EXPIRED'],
    [
      'of an authority that nobody trusts',
      'strangerClient',
      'the client certificate does not count: UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    ['of no name', 'otherNameServer', 'no name in the client certificate is one of http.clients'],
  ] as const)('that is %s is nobody, and is told why', async (_what, which, detail) => {
    const { ca } = certificates;
    const { url, events, orders } = await serve({ tokens: {}, clients }, ca);
    const client = certificates[which];

    const answer = await secureCall(`${url}/v1/backups`, { ca, client, ...order });

    expect([answer.status, orders()]).toEqual([401, 0]);
    expect(JSON.parse(answer.body).detail).toBe(detail);
    expect(events.at(-1)).toMatchObject({ who: 'anonymous', status: 401 });
  });

  test('that is refused takes nothing from a token', async () => {
    const { ca, expiredClient: client } = certificates;
    const { url } = await serve({ clients }, ca);
    const headers = bearer(operate);

    const answer = await secureCall(`${url}/v1/backups`, { ca, client, ...order, headers });

    expect(answer.status).toBe(202);
  });

  test('is asked of nobody: probes and Prometheus come without', async () => {
    const { ca } = certificates;
    const { url } = await serve({ tokens: {}, clients }, ca);

    const answers = ['/healthz', '/metrics', '/v1/status'].map((path) =>
      secureCall(`${url}${path}`, { ca }),
    );

    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 401]);
  });

  test('opens nothing once its authority is no longer in the file', async () => {
    const { ca, client, strangerCa, strangerClient } = certificates;
    const file = join(folder, 'client-ca.crt');
    copyFileSync(ca, file);
    const { url } = await serve({ tokens: {}, clients }, file);
    const statusOf = async (one: CertificatePair) =>
      (await secureCall(`${url}/v1/status`, { ca, client: one })).status;

    const before = [await statusOf(client), await statusOf(strangerClient)];
    copyFileSync(strangerCa, file);
    const after = [await statusOf(client), await statusOf(strangerClient)];

    expect([before, after]).toEqual([
      [200, 401],
      [401, 200],
    ]);
  });
});
