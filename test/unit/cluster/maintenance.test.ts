/** The calls of our own door, against a server that says what etcd says, or does not. */
import { describe, expect, test } from 'vitest';
import { askHashKv, askToken, streamSnapshot } from '../../../src/cluster/door/maintenance.ts';
import { callWithin } from '../../../src/cluster/door/unary.ts';
import { revision } from '../../../src/core/backup.ts';
import { type GrpcCall, type Script, startGrpcServer } from './grpc-server.ts';
import { frame, message, snapshotBody } from './protobuf-bytes.ts';
import { doorCall, failureOf } from './roads.ts';

const header = message([1, 0xcdf818194e3a8c32n], [2, 2n], [3, 500n]);
const user = { username: 'backup', password: 'geheim "ß"' };

describe('the content hash', () => {
  test('is asked for at its revision, and read with its compaction', async () => {
    await using server = await startGrpcServer((call) => {
      call.answer(message([1, header], [2, 0xfe01_cf57n], [3, 73n], [4, 99n]));
    });

    const hash = await askHashKv(doorCall(server.url, { token: 'tok.1' }), revision(2n ** 40n));

    expect(hash).toEqual({ hash: 0xfe01_cf57, compactRevision: 73n });
    const [call] = server.calls;
    expect(call?.method).toBe('/etcdserverpb.Maintenance/HashKV');
    expect(call?.request).toEqual(message([1, 2n ** 40n]));
    expect(call?.headers['token']).toBe('tok.1');
  });

  test('has no compaction where etcd says -1', async () => {
    await using server = await startGrpcServer((call) => {
      call.answer(message([1, header], [2, 7n], [3, -1n]));
    });

    const hash = await askHashKv(doorCall(server.url), revision(9n));

    expect(hash).toEqual({ hash: 7, compactRevision: undefined });
  });

  test('is 0 where the field was left out, which is how 0 travels', async () => {
    await using server = await startGrpcServer((call) => call.answer(message([3, -1n])));

    expect((await askHashKv(doorCall(server.url), revision(9n))).hash).toBe(0);
  });
});

describe('a token', () => {
  test('is asked for with name and password, and shows none itself', async () => {
    await using server = await startGrpcServer((call) => {
      call.answer(message([1, header], [2, 'aToken.17']));
    });

    const token = await askToken(doorCall(server.url), user);

    expect(token).toBe('aToken.17');
    const [call] = server.calls;
    expect(call?.method).toBe('/etcdserverpb.Auth/Authenticate');
    expect(call?.request).toEqual(message([1, 'backup'], [2, 'geheim "ß"']));
    expect(call?.headers).not.toHaveProperty('token');
  });

  test('that is refused is told without the password', async () => {
    const text = 'etcdserver: authentication failed, invalid user ID or password';
    await using server = await startGrpcServer((call) => call.refuse(3, text));

    const failure = await failureOf(askToken(doorCall(server.url), user));

    expect(failure.code).toBe('cluster-auth');
    expect(JSON.stringify([failure.message, failure.context])).not.toContain('geheim');
  });
});

const whole = message([2, 7n], [3, -1n]);
const strange: Readonly<Record<string, Script>> = {
  'is empty': (call) => call.end(),
  'has half a frame': sendAll(frame(whole).subarray(0, 3)),
  'is shorter than its frame says': sendAll(frame(whole, { claim: whole.length + 1 })),
  'is longer than its frame says': sendAll(frame(whole), message([9, 1n])),
  'is compressed': sendAll(frame(whole, { compressed: 1 })),
  'cannot be read': sendAll(frame(Buffer.from([0xff, 0xff]))),
};

function sendAll(...bytes: readonly Uint8Array[]): Script {
  return (call: GrpcCall) => {
    call.send(...bytes);
    call.end();
  };
}

describe('an answer of one message', () => {
  test.for(Object.keys(strange))('is no etcd where it %s', async (name) => {
    await using server = await startGrpcServer(strange[name] as Script);

    const failure = await failureOf(askHashKv(doorCall(server.url), revision(9n)));

    expect(failure.code).toBe('cluster-unreachable');
    expect(failure.message).toContain(`${server.url}: the answer to /etcdserverpb.Maintenance`);
  });

  test('is given up as soon as it says that it is longer than wanted', async () => {
    // The rest never comes: nobody may wait for it.
    await using server = await startGrpcServer((call) => {
      call.send(frame(new Uint8Array(), { claim: 1001 }));
    });

    expect(await callWithin(doorCall(server.url), 1000)).toBeUndefined();
    await server.untilQuiet();
  });

  test('may have exactly the length that is wanted', async () => {
    const body = message([3, 'x'.repeat(998)]);
    await using server = await startGrpcServer((call) => call.answer(body));

    const fields = await callWithin(doorCall(server.url), body.length);

    expect(fields).toMatchObject([{ number: 3, bytes: expect.objectContaining({ length: 998 }) }]);
  });
});

describe('the snapshot', () => {
  const blobs = ['first', 'second'].map((text) => snapshotBody({ blob: Buffer.from(text) }));

  async function textsOf(url: string): Promise<string[]> {
    const texts: string[] = [];
    for await (const { blob } of streamSnapshot(doorCall(url, { token: 'tok.2' }))) {
      texts.push(Buffer.concat(blob).toString());
    }
    return texts;
  }

  test('is streamed message by message, for the one who has the token', async () => {
    await using server = await startGrpcServer(sendAll(...blobs.map((body) => frame(body))));

    expect(await textsOf(server.url)).toEqual(['first', 'second']);
    const [call] = server.calls;
    expect(call?.method).toBe('/etcdserverpb.Maintenance/Snapshot');
    expect(call?.framed).toEqual(frame(new Uint8Array()));
    expect(call?.headers['token']).toBe('tok.2');
  });

  test('is broken where it ends inside a message, though the status is OK', async () => {
    await using server = await startGrpcServer(sendAll(frame(blobs[0]!).subarray(0, 8)));

    const failure = await failureOf(textsOf(server.url));

    expect(failure).toMatchObject({
      code: 'stream-broken',
      message: `${server.url}: the stream ended inside a message`,
    });
  });

  test('that a member refuses half-way fails as the member says', async () => {
    await using server = await startGrpcServer((call) => {
      call.send(frame(blobs[0]!));
      call.end({
        'grpc-status': '14',
        'grpc-message': 'etcdserver: rpc not supported for learner',
      });
    });

    expect((await failureOf(textsOf(server.url))).code).toBe('snapshot-refused');
  });

  test('of a member that is killed is broken', async () => {
    await using server = await startGrpcServer((call) => {
      call.send(frame(blobs[0]!));
      call.cut();
    });

    expect((await failureOf(textsOf(server.url))).code).toBe('stream-broken');
  });
});
