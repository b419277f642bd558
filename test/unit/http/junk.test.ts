import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { serveAdmin } from '../../../src/http/admin.ts';
import { house, operate, restore } from './house.ts';

const seed = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31);

const path = fc.oneof(
  fc.webPath().map((text) => `/${text}`),
  fc.constantFrom('/v1/backups', '/v1/backups/', '/v1/status', '/metrics', '/v1/backups/%00'),
  fc.constantFrom('/v1/restores', '/v1/restores/', '/v1/restores/%00', '/v1/restores/constructor'),
  fc.constantFrom('*', '//', '/\\', 'http://evil.example/v1/status', '/v1/backups/../status'),
  fc.string({ unit: 'binary-ascii' }).map((part) => `/v1/backups/${encodeURI(part)}`),
  fc.string().map((part) => `/${part}`),
);
const query = fc.oneof(
  fc.constant(''),
  fc.webQueryParameters().map((parameters) => `?${parameters}`),
  fc.string().map((value) => `?limit=${encodeURIComponent(value)}`),
);
const call = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'QUERY', 'LOCK'),
  url: fc.tuple(path, query).map((parts) => parts.join('')),
  token: fc.oneof(fc.constant(operate), fc.constant(restore), fc.base64String(), fc.string()),
  type: fc.constantFrom('application/json', 'text/plain', '', ';', 'application/xml'),
  body: fc.oneof(fc.json(), fc.string({ unit: 'binary' }), fc.constant('')),
});

let sent = 0;

async function sendBytes(port: number, bytes: string): Promise<string> {
  // From another address each time: one alone would soon be told to ask less often.
  sent += 1;
  const localAddress = `127.0.${1 + (sent >> 7)}.${1 + (sent & 127)}`;
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => {});
  socket.end(bytes);
  return text(socket).catch(() => '');
}

test(`no call is answered with a fault of our own (seed ${seed})`, async () => {
  const tokens = { operate: () => operate, restore: () => restore };
  const { options, events } = house({ tokens, ready: () => ({ ok: true, reason: '' }) });
  await using admin = await serveAdmin(options);
  const port = Number(new URL(admin.address).port);
  const statuses = new Set<string>();

  await fc.assert(
    fc.asyncProperty(call, async ({ method, url, token, type, body }) => {
      const answer = await sendBytes(
        port,
        `${method} ${url} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n` +
          `Authorization: Bearer ${token}\r\nContent-Type: ${type}\r\n` +
          `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
      statuses.add(answer.slice(9, 12));
      expect(answer).toMatch(/^HTTP\/1\.1 [24]/);
    }),
    { seed, numRuns: 600 },
  );

  expect(events.filter(({ kind }) => kind === 'call-failed')).toEqual([]);
  // That the junk reached further than the door.
  expect([...statuses]).toEqual(expect.arrayContaining(['200', '400', '404', '405']));
});

test(`no bytes on the socket bring the server down (seed ${seed})`, async () => {
  const { options } = house();
  await using admin = await serveAdmin(options);
  const port = Number(new URL(admin.address).port);
  const start = fc.constantFrom('', 'GET /', 'POST /v1/backups HTTP/1.1\r\n', 'GET * HTTP/9.9\r\n');
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('Host: localhost\r\n', 'Content-Length: -1\r\n', 'Transfer-Encoding: x\r\n'),
  );

  await fc.assert(
    fc.asyncProperty(start, fc.array(line), async (first, lines) => {
      const answer = await sendBytes(port, `${first}${lines.join('')}\r\n\r\n`);
      expect(answer).not.toMatch(/^HTTP\/1\.1 5/);
    }),
    { seed, numRuns: 200 },
  );

  expect((await fetch(`${admin.address}/healthz`)).status).toBe(200);
});
