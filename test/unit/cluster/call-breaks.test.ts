/** Calls that end before their time, by the member, the network or ourselves. */
import { getEventListeners, once } from 'node:events';
import { constants } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { callDoor } from '../../../src/cluster/door/call.ts';
import { startGrpcServer } from './grpc-server.ts';
import { readAll, readUntilFailure } from './reading.ts';
import { doorCall, failureOf } from './roads.ts';

describe('an answer that breaks off', () => {
  test('before its first byte is broken', async () => {
    await using server = await startGrpcServer((call) => call.cut());

    const failure = await failureOf(readAll(doorCall(server.url)));

    expect(failure).toMatchObject({ code: 'stream-broken', retryable: true });
    expect(failure.message).toBe(`${server.url}: the connection ended before its answer did`);
  });

  test('in its middle is broken, after the bytes that came', async () => {
    await using server = await startGrpcServer((call) => call.send(Buffer.from('first')));
    const chunks: Uint8Array[] = [];
    const read = async () => {
      for await (const batch of callDoor(doorCall(server.url))) {
        chunks.push(...batch);
        server.calls[0]?.cut();
      }
    };

    const failure = await failureOf(read());

    expect(String(Buffer.concat(chunks))).toBe('first');
    expect(failure.code).toBe('stream-broken');
  });

  test.each([
    ['without a status in its trailers', {}],
    ['with other trailers', { 'x-other': '1' }],
  ])('is broken where it ends %s', async (_, trailers) => {
    await using server = await startGrpcServer((call) => {
      call.send(Buffer.from('all of it'));
      call.end(trailers);
    });

    const { bytes, failure } = await readUntilFailure(doorCall(server.url));

    expect(String(bytes)).toBe('all of it');
    expect(failure.code).toBe('stream-broken');
  });

  test.each([
    ['NO_ERROR', constants.NGHTTP2_NO_ERROR],
    ['CANCEL', constants.NGHTTP2_CANCEL],
  ])('by a reset with %s is broken', async (_, code) => {
    await using server = await startGrpcServer((call) => call.send(Buffer.from('first')));
    const read = async () => {
      for await (const _ of callDoor(doorCall(server.url))) server.calls[0]?.stream.close(code);
    };

    expect((await failureOf(read())).code).toBe('stream-broken');
    await server.untilQuiet();
  });

  test.each([
    ['INTERNAL_ERROR', constants.NGHTTP2_INTERNAL_ERROR],
    ['REFUSED_STREAM', constants.NGHTTP2_REFUSED_STREAM],
    ['ENHANCE_YOUR_CALM', constants.NGHTTP2_ENHANCE_YOUR_CALM],
  ])('by a reset with %s is a failure that may be tried again', async (_, code) => {
    await using server = await startGrpcServer((call) => call.send(Buffer.from('first')));
    const read = async () => {
      for await (const _ of callDoor(doorCall(server.url))) server.calls[0]?.stream.close(code);
    };

    expect((await failureOf(read())).retryable).toBe(true);
    await server.untilQuiet();
  });

  test('is whole where the member only says that it takes no more calls', async () => {
    await using server = await startGrpcServer((call) => {
      call.send(Buffer.from('first, '));
      call.stream.session?.goaway(constants.NGHTTP2_NO_ERROR);
      call.send(Buffer.from('second'));
      call.end();
    });

    expect(String(await readAll(doorCall(server.url)))).toBe('first, second');
  });
});

describe('an abort', () => {
  const reason = new Error('asked to stop');

  test('before the call lets nobody connect', async () => {
    await using server = await startGrpcServer((call) => call.end());

    const ended = readAll(doorCall(server.url, { signal: AbortSignal.abort(reason) }));

    await expect(ended).rejects.toBe(reason);
    expect(server.connections).toBe(0);
  });

  test('ends a call that is never answered, and the member hears of it', async () => {
    await using server = await startGrpcServer(() => undefined);
    const stop = new AbortController();
    const ended = readAll(doorCall(server.url, { signal: stop.signal }));
    ended.catch(() => undefined);
    const call = await server.call();

    stop.abort(reason);

    await expect(ended).rejects.toBe(reason);
    expect(await call.closed).toBe(constants.NGHTTP2_CANCEL);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    await server.untilQuiet();
  });

  test('ends a call to somebody who takes the connection and says nothing', async () => {
    const silent = createServer();
    onTestFinished(() => void silent.close());
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const stop = new AbortController();
    const connected = once(silent, 'connection');
    const ended = readAll(doorCall(`http://127.0.0.1:${port}`, { signal: stop.signal }));
    ended.catch(() => undefined);
    const [socket] = await connected;
    await once(socket, 'data');
    const gone = once(socket, 'close');

    stop.abort(reason);

    await expect(ended).rejects.toBe(reason);
    await gone;
  });

  test('counts before the bytes that wait', async () => {
    await using server = await startGrpcServer((call) => call.send(Buffer.from('first')));
    const stop = new AbortController();
    const batches = callDoor(doorCall(server.url, { signal: stop.signal }));
    await batches.next();
    server.calls[0]?.send(Buffer.from('second'));

    stop.abort(reason);

    await expect(batches.next()).rejects.toBe(reason);
  });
});
