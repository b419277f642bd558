import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type FaultProxy, startProxy } from '../../support/proxy.ts';

/** A server that sends back what it gets, and its end, behind a proxy, and a client of it. */
async function echoBehindProxy(): Promise<{ proxy: FaultProxy; client: Socket }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy = await startProxy(`http://127.0.0.1:${port}`);
  const client = await connectTo(proxy);
  onTestFinished(async () => {
    client.destroy();
    await proxy[Symbol.asyncDispose]();
    server.close();
  });
  return { proxy, client };
}

async function connectTo(proxy: FaultProxy): Promise<Socket> {
  const client = connect({ port: proxy.port, host: '127.0.0.1' });
  await once(client, 'connect');
  return client;
}

async function readAll(client: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of client) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function resetOf(client: Socket): Promise<unknown> {
  const [error] = await once(client.resume(), 'error').catch((thrown: unknown) => [thrown]);
  return (error as { code?: unknown }).code;
}

describe('the fault proxy', () => {
  test('passes bytes and ends both ways', async () => {
    const { proxy, client } = await echoBehindProxy();
    const text = 'x'.repeat(300_000);

    client.end(text);

    expect(await readAll(client)).toBe(text);
    expect(proxy.passed).toEqual({ 'to-client': 300_000, 'to-server': 300_000 });
    expect(new URL(proxy.url).port).toBe(String(proxy.port));
  });

  test('begins a fault behind the request that it is told, which still arrives', async () => {
    const { proxy, client } = await echoBehindProxy();
    const begun = proxy.injectBehind(/^second/, { kind: 'silence' });
    client.write('first');
    expect(String((await once(client, 'data'))[0])).toBe('first');
    expect(proxy.passed['to-server']).toBe(5);

    client.write('second');
    await begun;

    expect(proxy.passed['to-server']).toBe(11);
    proxy.inject({ kind: 'pass' });
    expect(String((await once(client, 'data'))[0])).toBe('second');
  });

  test('resets connections that are open', async () => {
    const { proxy, client } = await echoBehindProxy();
    client.write('hello');
    await once(client, 'data');

    proxy.inject({ kind: 'reset' });

    expect(await resetOf(client)).toBe('ECONNRESET');
  });

  test('holds bytes back in silence and lets them go afterwards', async () => {
    const { proxy, client } = await echoBehindProxy();
    client.write('before');
    await once(client, 'data');

    proxy.inject({ kind: 'silence' });
    client.write('held back');
    const next = once(client, 'data').then(String);
    const first = await Promise.race([next, sleep(200, 'nothing')]);
    proxy.inject({ kind: 'pass' });

    expect(first).toBe('nothing');
    expect(await next).toBe('held back');
  });

  test('cuts a connection after exactly so many bytes', async () => {
    const { proxy, client } = await echoBehindProxy();
    const got: Buffer[] = [];
    client.on('data', (chunk) => got.push(chunk));

    proxy.inject({ kind: 'cut', afterBytes: 1000, direction: 'to-server' });
    client.write(Buffer.alloc(5000));

    expect(await resetOf(client)).toBe('ECONNRESET');
    expect(proxy.passed['to-server']).toBe(1000);
  });

  test('delivers what comes before the cut', async () => {
    const { proxy, client } = await echoBehindProxy();
    let got = 0;
    client.on('data', (chunk) => {
      got += chunk.length;
    });

    proxy.inject({ kind: 'cut', afterBytes: 700, direction: 'to-client' });
    client.write(Buffer.alloc(5000));
    await resetOf(client);

    expect(got).toBe(700);
  });

  test('trickles at the given speed', async () => {
    const { proxy, client } = await echoBehindProxy();
    const began = performance.now();

    proxy.inject({ kind: 'trickle', bytesPerSecond: 2000 });
    client.end(Buffer.alloc(1000));
    await readAll(client);

    expect(performance.now() - began).toBeGreaterThan(450);
  });
});
