import { randomBytes } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { constants } from 'node:http2';
import { describe, expect, test } from 'vitest';
import { callDoor } from '../../../src/cluster/door/call.ts';
import { startGrpcServer } from './grpc-server.ts';
import { frame } from './protobuf-bytes.ts';
import { readAll, readUntilFailure } from './reading.ts';
import { doorCall, failureOf } from './roads.ts';

const method = '/etcdserverpb.Maintenance/Snapshot';

describe('a call that is answered', () => {
  test('names its method, frames its message and says what it speaks', async () => {
    await using server = await startGrpcServer((call) => call.end());

    await readAll(doorCall(server.url, { method, request: Buffer.from('hello') }));

    const [call] = server.calls;
    expect(call?.method).toBe(method);
    expect(call?.framed).toEqual(frame(Buffer.from('hello')));
    expect(call?.headers).toMatchObject({
      ':method': 'POST',
      ':scheme': 'http',
      ':authority': `127.0.0.1:${server.port}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
  });

  test('shows its token as the header that etcd reads, and none where it has none', async () => {
    await using server = await startGrpcServer((call) => call.end());

    await readAll(doorCall(server.url, { token: 'aToken.17' }));
    await readAll(doorCall(server.url));

    expect(server.calls.map(({ headers }) => headers['token'])).toEqual(['aToken.17', undefined]);
    expect(server.calls[1]?.headers).not.toHaveProperty('authorization');
  });

  test('gives every byte in its order', async () => {
    const sent = Array.from({ length: 90 }, (_, at) => randomBytes(at * 1500));
    await using server = await startGrpcServer((call) => {
      call.send(...sent);
      call.end();
    });

    const got = await readAll(doorCall(server.url));

    expect(got.equals(Buffer.concat(sent))).toBe(true);
  });

  test('may end well without a byte', async () => {
    await using server = await startGrpcServer((call) => call.refuse(0, ''));

    expect(await readAll(doorCall(server.url))).toHaveLength(0);
  });

  test('closes its connection and leaves no listener behind', async () => {
    await using server = await startGrpcServer((call) => call.answer(Buffer.from('x')));
    const { signal } = new AbortController();

    await readAll(doorCall(server.url, { signal }));

    await server.untilQuiet();
    expect(server.connections).toBe(1);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('is canceled at the member when the iteration is left', async () => {
    await using server = await startGrpcServer((call) => call.send(Buffer.from('first')));

    for await (const batch of callDoor(doorCall(server.url))) {
      expect(String(batch[0])).toBe('first');
      break;
    }

    const [call] = server.calls;
    expect(await call?.closed).toBe(constants.NGHTTP2_CANCEL);
    await server.untilQuiet();
  });
});

describe('a status that is not OK', () => {
  test('in the head alone is the failure', async () => {
    await using server = await startGrpcServer((call) => {
      call.refuse(7, 'etcdserver: permission denied');
    });

    const failure = await failureOf(readAll(doorCall(server.url)));

    expect(failure.code).toBe('cluster-permission');
    await server.untilQuiet();
  });

  test('in the trailers is the failure, after the bytes that came before it', async () => {
    await using server = await startGrpcServer((call) => {
      call.send(Buffer.from('first'));
      call.end({ 'grpc-status': '14', 'grpc-message': 'etcdserver: no leader' });
    });

    const { bytes, failure } = await readUntilFailure(doorCall(server.url));

    expect(String(bytes)).toBe('first');
    expect(failure.message).toContain('the cluster has no leader now');
  });

  test.each([
    ['no%20caf%C3%A9%20today', 'no café today'],
    ['100% of it', '100% of it'],
    ['%E0%A4%A', '%E0%A4%A'],
  ])('has its text decoded where it can be: %s', async (sent, text) => {
    await using server = await startGrpcServer((call) => call.refuse(14, sent));

    const failure = await failureOf(readAll(doorCall(server.url)));

    expect(failure.message).toBe(`${server.url}: ${text}`);
  });

  test.each(['1', '-0.5', '0x1', 'zero', '0, 0'])('is never taken for OK: %s', async (status) => {
    await using server = await startGrpcServer((call) => call.end({ 'grpc-status': status }));

    const failure = await failureOf(readAll(doorCall(server.url)));

    expect(failure.message).toContain(server.url);
  });

  test.each([404, 502, 503])('may be one of HTTP: %i', async (status) => {
    await using server = await startGrpcServer((call) => {
      call.stream.respond({ ':status': status, 'content-type': 'text/html' });
      call.stream.end('<h1>sorry</h1>');
    });

    const failure = await failureOf(readAll(doorCall(server.url)));

    expect(failure).toMatchObject({
      code: 'cluster-unreachable',
      message: `${server.url}: HTTP status ${status}`,
    });
  });

  test('of gRPC counts where both are there', async () => {
    await using server = await startGrpcServer((call) => {
      const status = { 'grpc-status': '16', 'grpc-message': 'etcdserver: invalid auth token' };
      call.stream.respond({ ':status': 401, ...status }, { endStream: true });
    });

    expect((await failureOf(readAll(doorCall(server.url)))).code).toBe('cluster-auth');
  });
});

describe('an address that leads nowhere', () => {
  test.each([
    ['a name longer than any', `http://${'x'.repeat(64)}.example:2379`, 'host name is not known'],
    ['no address at all', 'nonsense', 'Invalid URL'],
    ['another protocol', 'ftp://127.0.0.1:2379', 'ftp:'],
  ])('is told with its reason: %s', async (_, url, reason) => {
    const failure = await failureOf(readAll(doorCall(url)));

    expect(failure.code).toBe('cluster-unreachable');
    expect(failure.message).toContain(`${url}: `);
    expect(failure.message).toContain(reason);
  });
});
