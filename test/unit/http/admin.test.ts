import { once } from 'node:events';
import { Agent, request as startRequest } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Failure } from '../../../src/core/errors.ts';
import { serveAdmin } from '../../../src/http/admin.ts';
import { bearer, house, operate } from './house.ts';

const portOf = (address: string): number => Number(new URL(address).port);

/** What the server answers to these bytes, until it closes the connection. */
async function sendBytes(address: string, bytes: string | Uint8Array): Promise<string> {
  const socket = connect(portOf(address), '127.0.0.1');
  socket.on('error', () => {});
  socket.end(bytes);
  return text(socket);
}

describe('the admin API on a socket', () => {
  test('listens, tells where, and takes orders', async () => {
    const { options, events, orders } = house();
    await using admin = await serveAdmin(options);

    const headers = bearer(operate);
    const answer = await fetch(`${admin.address}/v1/backups`, { method: 'POST', headers });

    expect([answer.status, await answer.json()]).toEqual([
      202,
      expect.objectContaining({ status: 'accepted' }),
    ]);
    expect(orders()).toBe(1);
    expect(events).toEqual([
      { kind: 'http-listening', address: admin.address },
      {
        kind: 'call-made',
        who: 'operate',
        from: '127.0.0.1',
        method: 'POST',
        path: '/v1/backups',
        status: 202,
      },
    ]);
  });

  test.each(['localhost', '::1'])('listens on %s', async (host) => {
    const { options } = house({ listen: { host, port: 0 } });
    await using admin = await serveAdmin(options);

    expect((await fetch(`${admin.address}/healthz`)).status).toBe(200);
  });

  test('fails with the address when another program has it', async () => {
    const { options } = house();
    await using admin = await serveAdmin(options);
    const port = portOf(admin.address);

    const second = serveAdmin(house({ listen: { host: '127.0.0.1', port } }).options);

    await expect(second).rejects.toMatchObject({
      code: 'http-listen',
      message: `cannot listen on 127.0.0.1:${port}: EADDRINUSE`,
    } satisfies Partial<Failure>);
  });

  test('closes at once although connections are kept open', async () => {
    const { options } = house({ closeLimitMs: 10_000 });
    const admin = await serveAdmin(options);
    const agent = new Agent({ keepAlive: true });
    const asked = startRequest(`${admin.address}/healthz`, { agent }).end();
    const [response] = await once(asked, 'response');
    await text(response);
    const startedMs = performance.now();

    await admin[Symbol.asyncDispose]();

    expect(performance.now() - startedMs).toBeLessThan(2000);
    agent.destroy();
  });

  test('closes within its limit although a call hangs, however often it is asked to', async () => {
    const { options } = house({
      closeLimitMs: 100,
      backups: { ...house().options.backups, list: () => new Promise(() => {}) },
    });
    const admin = await serveAdmin(options);
    const hanging = fetch(`${admin.address}/v1/backups`).catch((error: Error) => error.name);
    await wait(50);
    const startedMs = performance.now();

    await Promise.all([admin[Symbol.asyncDispose](), admin[Symbol.asyncDispose]()]);

    expect(performance.now() - startedMs).toBeLessThan(1500);
    expect(await hanging).toBe('TypeError');
  });

  test('finishes a call in progress before it closes', async () => {
    let release = () => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { options } = house({ status: () => slow.then(() => ({ state: 'draining' })) });
    const admin = await serveAdmin(options);
    const asked = fetch(`${admin.address}/v1/status`);
    await wait(50);

    const closed = admin[Symbol.asyncDispose]();
    release();
    await closed;

    expect(await (await asked).json()).toEqual({ state: 'draining' });
  });

  test('takes no page of another name for its own', async () => {
    const { options } = house();
    await using admin = await serveAdmin(options);

    const answer = await sendBytes(
      admin.address,
      'GET /v1/status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
    );

    expect(answer).toMatch(/^HTTP\/1\.1 421 .*"code":"wrong-host"/s);
  });

  test.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
    ['a huge head', `GET /healthz HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 413],
    [
      'two lengths',
      'POST /v1/backups HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
      400,
    ],
  ])('answers %s with a refusal', async (_what, bytes, status) => {
    const { options, orders } = house();
    await using admin = await serveAdmin(options);

    const answer = await sendBytes(admin.address, bytes);

    expect(answer.split('\r\n')[0]).toContain(` ${status} `);
    expect(orders()).toBe(0);
  });

  test('hears of an order whose caller did not wait for the answer', async () => {
    const { options, events } = house();
    await using admin = await serveAdmin(options);
    const socket = connect(portOf(admin.address), '127.0.0.1');

    socket.write(
      'POST /v1/backups HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n' +
        `Authorization: Bearer ${operate}\r\n\r\n`,
      () => socket.resetAndDestroy(),
    );

    await expect.poll(() => events.map(({ kind }) => kind)).toContain('call-made');
  });
});
