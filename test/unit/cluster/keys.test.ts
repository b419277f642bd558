/** The keys adapter against servers that answer as no etcd of a test can be made to. */
import { describe, expect, test } from 'vitest';
import { connectKeys } from '../../../src/cluster/keys.ts';
import type { KeyPage, LiveKeys } from '../../../src/cluster/keys-port.ts';
import { decodeFields } from '../../../src/format/protobuf.ts';
import { type GrpcCall, startGrpcServer } from './grpc-server.ts';
import { frame, message } from './protobuf-bytes.ts';

const { signal } = new AbortController();
const all = { from: Buffer.of(0), end: Buffer.of(0) };
const nobody = 'http://127.0.0.1:9';
const auth = '/etcdserverpb.Auth/Authenticate';
const header = message([1, 17n], [3, 40n]);

function connect(endpoints: readonly string[], password?: string): LiveKeys {
  const tls = { ca: null, client: null, serverName: null };
  const user = password === undefined ? null : { username: 'me', readPassword: () => password };
  return connectKeys({ endpoints, tls, auth: user, requestTimeoutMs: 5000 });
}

async function readAll(keys: LiveKeys): Promise<KeyPage[]> {
  const pages: KeyPage[] = [];
  for await (const page of keys.read(all, { signal })) pages.push(page);
  return pages;
}

function answerKeys(call: GrpcCall, names: readonly string[], more = false): void {
  const found = names.map((name) => [2, message([1, name], [3, 5n], [5, 'v'])] as const);
  call.answer(message([1, header], ...found, [3, more ? 1n : 0n]));
}

/** The numbers of a RangeRequest. */
function askedOf({ request }: GrpcCall): { limit: number; revision: number } {
  const fields = decodeFields(request) ?? [];
  const [limit, revision] = [3, 4].map((at) => fields.find(({ number }) => number === at)?.value);
  return { limit: Number(limit), revision: Number(revision) };
}

const change = { key: Buffer.from('k'), value: Buffer.from('v'), expected: 0n };

describe('a read', () => {
  test('goes to the next endpoint when one is dead, and stays with the one that answered', async () => {
    await using server = await startGrpcServer((call) => {
      answerKeys(call, [`k${server.calls.length}`], server.calls.length < 3);
    });
    const keys = connect([nobody, server.url]);

    const pages = await readAll(keys);

    expect(pages.flatMap((page) => page.keys.map(({ key }) => String(key)))).toEqual([
      'k1',
      'k2',
      'k3',
    ]);
    expect(pages[0]).toMatchObject({ clusterId: '0000000000000011', revision: 40n });
    expect(server.calls.map(askedOf).map(({ revision }) => revision)).toEqual([0, 40, 40]);
  });

  test('asks for fewer keys where the page would be too large, and takes a single one', async () => {
    await using server = await startGrpcServer((call) => {
      if (askedOf(call).limit === 1) {
        const large = message([1, 'k'], [3, 5n], [5, Buffer.alloc(5 * 1024 * 1024)]);
        return call.answer(message([1, header], [2, large]));
      }
      call.send(frame(Buffer.from('much'), { claim: 64 * 1024 * 1024 }));
    });

    const [page] = await readAll(connect([server.url]));

    expect(page?.keys.map(({ value }) => value.length)).toEqual([5 * 1024 * 1024]);
    expect(server.calls.map(askedOf).map(({ limit }) => limit)).toEqual([64, 8, 1]);
  });

  test('logs in once, and again when its token is refused', async () => {
    let logins = 0;
    await using server = await startGrpcServer((call) => {
      if (call.method === auth) {
        logins += 1;
        return call.answer(message([2, `token.${logins}`]));
      }
      const isOld = call.headers['token'] !== 'token.2' && server.calls.length > 3;
      if (isOld) return call.refuse(16, 'etcdserver: invalid auth token');
      answerKeys(call, ['k'], server.calls.length < 4);
    });

    const pages = await readAll(connect([server.url], 'secret'));

    expect(pages).toHaveLength(3);
    expect(server.calls.map(({ method, headers }) => method === auth || headers['token'])).toEqual([
      true,
      'token.1',
      'token.1',
      'token.1',
      true,
      'token.2',
    ]);
  });

  test.each([
    [7, 'etcdserver: permission denied', 'cluster-permission', 'may not read and write these keys'],
    [3, 'etcdserver: user name is empty', 'cluster-auth', 'cluster.auth is not configured'],
    [11, 'etcdserver: mvcc: required revision has been compacted', 'revision-unavailable', 'away'],
    [14, 'etcdserver: no leader', 'cluster-unreachable', 'no leader'],
  ])('says plainly why it is refused: %s %s', async (status, text, code, words) => {
    await using server = await startGrpcServer((call) => call.refuse(status, text));

    await expect(readAll(connect([server.url]))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words),
    });
  });
});

describe('a transaction', () => {
  test.each([
    [3, 'etcdserver: too many operations in txn request'],
    [3, 'etcdserver: request is too large'],
    [8, 'grpc: received message larger than max (2000000 vs. 1500000)'],
  ])('may be too large for the cluster: %s %s', async (status, text) => {
    await using server = await startGrpcServer((call) => call.refuse(status, text));

    const applied = await connect([server.url]).apply([change], { signal });

    expect(applied).toEqual({ outcome: 'too-large' });
  });

  test('is told when etcd has no space left', async () => {
    const text = 'etcdserver: mvcc: database space exceeded';
    await using server = await startGrpcServer((call) => call.refuse(8, text));

    await expect(connect([server.url]).apply([change], { signal })).rejects.toMatchObject({
      code: 'restore-refused',
      message: `${server.url}: the space of etcd is used up`,
    });
  });

  test('is sent once, whatever becomes of it', async () => {
    await using server = await startGrpcServer((call) => call.cut());

    const applied = connect([server.url, server.url]).apply([change], { signal });

    await expect(applied).rejects.toMatchObject({
      code: expect.stringMatching(/^(cluster|stream)-/),
    });
    expect(server.calls).toHaveLength(1);
  });

  test.each([
    ['nothing', Buffer.of()],
    ['too few answers', message([1, header])],
    ['bytes that are no message', Buffer.of(0xff)],
  ])('is not believed to be written when the answer is %s', async (_, body) => {
    await using server = await startGrpcServer((call) => call.answer(body));

    await expect(connect([server.url]).apply([change], { signal })).rejects.toMatchObject({
      code: 'cluster-unreachable',
    });
  });
});
