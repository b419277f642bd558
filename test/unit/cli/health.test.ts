/** What a probe is told by its exit status, by the real server and by none. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../../../src/cluster/loopback.ts';
import { serverTlsReader } from '../../../src/config/server-tls.ts';
import { serveAdmin } from '../../../src/http/admin.ts';
import type { AdminOptions } from '../../../src/http/sources.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { house } from '../http/house.ts';
import { call, complaintOf, place } from './calling.ts';

async function serve(changes: Partial<AdminOptions> = {}, host = '127.0.0.1') {
  const [port = 0] = await freePorts(1);
  const { options } = house({ listen: { host, port }, ...changes });
  const admin = await serveAdmin(options);
  onTestFinished(() => admin[Symbol.asyncDispose]());
  return port;
}

function health(listen: string, ...more: string[]) {
  const at = place({ 'http.enabled': 'true', 'http.listen': listen });
  return call(['health', ...more, ...at.words, '--http.tokens.operate=/no/such/token']);
}

test.each(['127.0.0.1', '0.0.0.0'])('is well when a daemon on %s says so', async (host) => {
  const port = await serve({}, host);

  const told = await health(`${host}:${port}`);

  expect(told).toEqual({ code: 'success', out: 'the loop turns\n', err: '' });
});

test('is not well when the daemon says why', async () => {
  const port = await serve({ alive: () => ({ ok: false, reason: 'the loop stands still' }) });

  const told = await health(`127.0.0.1:${port}`);

  expect(told).toMatchObject({ code: 'daemon-unhealthy', out: '' });
  expect(complaintOf(told)).toBe(
    `the daemon at http://127.0.0.1:${port} says: the loop stands still`,
  );
});

test('asks with --ready whether the schedule is armed', async () => {
  const port = await serve();

  const told = await health(`127.0.0.1:${port}`, '--ready');

  expect(told.code).toBe('daemon-unhealthy');
  expect(complaintOf(told)).toContain('says: the stores are being read');
});

test('is not well where nobody listens', async () => {
  const [port = 0] = await freePorts(1);

  const told = await health(`127.0.0.1:${port}`);

  expect(told.code).toBe('daemon-unhealthy');
  expect(complaintOf(told)).toBe(`http://127.0.0.1:${port}/healthz does not answer: ECONNREFUSED`);
});

test('is not well where somebody else listens and says that all is well', async () => {
  const server = createServer((_request, response) => response.end('{"status":"ok"}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());

  const told = await health(`127.0.0.1:${(server.address() as AddressInfo).port}`);

  expect(told.code).toBe('daemon-unhealthy');
  expect(complaintOf(told)).toContain('it is not the daemon');
});

test('says what is missing where the configuration has nobody listen', async () => {
  const told = await call(['health', ...place().words]);

  expect(told.code).toBe('config-invalid');
  expect(complaintOf(told)).toBe('health needs http.enabled and a port in http.listen');
});

test('is told by https as well, whoever signed the certificate and however old it is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'health-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { expiredServer: pair } = makeCertificates(folder);
  const port = await serve({ tls: serverTlsReader({ ...pair, clientCa: null }) });
  const at = place({
    'http.enabled': 'true',
    'http.listen': `127.0.0.1:${port}`,
    'http.tls.cert': pair.cert,
    'http.tls.key': pair.key,
  });

  const told = await call(['health', ...at.words]);
  const ready = await call(['health', '--ready', ...at.words]);

  expect(told).toEqual({ code: 'success', out: 'the loop turns\n', err: '' });
  expect(complaintOf(ready)).toBe(
    `the daemon at https://127.0.0.1:${port} says: the stores are being read`,
  );
});
