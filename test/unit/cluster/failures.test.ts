import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { FailureCode } from '../../../src/core/errors.ts';
import { type GrpcServer, startGrpcServer } from './grpc-server.ts';
import { failureOf, type Road, roads } from './roads.ts';

type Row = readonly [code: number, text: string, expected: FailureCode, sentence: string];

const noUser = 'etcd asks for a user, and cluster.auth is not configured';
const noRoot = 'the user lacks the role root';
const staleToken = 'etcd refused the token: it expired or the users changed meanwhile';
const learner = 'the member is a learner and does not serve this';
const noLeader = 'the cluster has no leader now, so it cannot confirm anything';
const wrongPassword = 'etcd refused the user or the password';
const compacted = 'the member has compacted that revision away';
const future = 'the member has not reached that revision yet';
const dropped = 'the connection was closed; is the endpoint https instead of http?';
const late = 'the member did not answer in time';

/** What servers of 3.4 to 3.7 say, as they say it. */
const serverRows: readonly Row[] = [
  [2, 'auth: user name is empty', 'cluster-auth', noUser],
  [3, 'etcdserver: user name is empty', 'cluster-auth', noUser],
  [2, 'auth: permission denied', 'cluster-permission', noRoot],
  [7, 'etcdserver: permission denied', 'cluster-permission', noRoot],
  [2, 'auth: invalid auth token', 'cluster-auth', staleToken],
  [3, 'etcdserver: revision of auth store is old', 'cluster-auth', staleToken],
  [
    3,
    'etcdserver: authentication failed, invalid user ID or password',
    'cluster-auth',
    wrongPassword,
  ],
  [
    9,
    'etcdserver: authentication is not enabled',
    'cluster-auth',
    'cluster.auth is configured, but authentication is not enabled in etcd',
  ],
  [14, 'etcdserver: rpc not supported for learner', 'snapshot-refused', learner],
  [11, 'etcdserver: mvcc: required revision has been compacted', 'revision-unavailable', compacted],
  [11, 'etcdserver: mvcc: required revision is a future revision', 'revision-unavailable', future],
  [14, 'etcdserver: no leader', 'cluster-unreachable', noLeader],
  [14, 'etcdserver: leader changed', 'cluster-unreachable', noLeader],
  [14, 'etcdserver: request timed out', 'timed-out', late],
  [14, 'etcdserver: request timed out, possibly due to previous leader failure', 'timed-out', late],
  [8, 'etcdserver: too many requests', 'timed-out', late],
  [14, 'etcdserver: server stopped', 'timed-out', late],
  [
    15,
    'etcdserver: corrupt cluster',
    'no-source',
    'etcd holds the cluster for corrupt (alarm CORRUPT)',
  ],
  [
    14,
    'etcdserver: unhealthy cluster',
    'quorum-at-risk',
    'etcd refuses the change: a voter is not connected to the others, or not long enough',
  ],
  [
    9,
    'etcdserver: re-configuration failed due to not enough started members',
    'quorum-at-risk',
    'etcd refuses the change: too few members have started',
  ],
  [
    9,
    'etcdserver: too many learner members in cluster',
    'quorum-at-risk',
    'etcd refuses the change: the cluster has a learner, and takes no second one',
  ],
  [9, 'etcdserver: Peer URLs already exists', 'usage', 'another member has one of the peer URLs'],
  [9, 'etcdserver: member ID already exist', 'usage', 'another member has one of the peer URLs'],
  [14, 'Connection dropped', 'cluster-unreachable', dropped],
  [
    14,
    'No connection established. Last error: null. Resolution note:',
    'cluster-unreachable',
    'no connection could be made',
  ],
];

async function refusing(code: number, text: string): Promise<GrpcServer> {
  return await startGrpcServer((call) => call.refuse(code, text));
}

describe.each(Object.entries(roads))('what a member says, asked by %s,', (_, ask: Road) => {
  test.each(serverRows)('is understood: %i %s', async (code, text, expected, sentence) => {
    await using server = await refusing(code, text);

    const failure = await failureOf(ask(server.url));

    expect(failure).toMatchObject({
      code: expected,
      message: `${server.url}: ${sentence}`,
      context: { endpoint: server.url },
    });
  });

  test('is repeated where it is not known, with the address', async () => {
    await using server = await refusing(14, 'error reading from server: EOF');

    const failure = await failureOf(ask(server.url));

    expect(failure).toMatchObject({
      code: 'cluster-unreachable',
      message: `${server.url}: error reading from server: EOF`,
    });
  });

  test('is understood as nothing where nobody listens', async () => {
    const { url } = await goneServer();

    const failure = await failureOf(ask(url));

    expect(failure).toMatchObject({
      code: 'cluster-unreachable',
      message: `${url}: connection refused`,
      retryable: true,
    });
  });

  test('is called unreachable where the name has no address', async () => {
    // Longer than any label of a name can be: refused without asking a name server.
    const url = `http://${'x'.repeat(64)}.example:2379`;

    const failure = await failureOf(ask(url));

    expect(failure).toMatchObject({ code: 'cluster-unreachable', retryable: true });
    expect(failure.message).toContain(url);
  });

  test('is called unreachable where a web server answers', async () => {
    const web = createServer((_, reply) => reply.end('It works!'));
    onTestFinished(() => void web.close());
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    const { port } = web.address() as AddressInfo;

    const failure = await failureOf(ask(`http://127.0.0.1:${port}`));

    expect(failure.code).toBe('cluster-unreachable');
    expect(failure.message).toContain(`http://127.0.0.1:${port}: the connection was closed`);
  });
});

async function goneServer(): Promise<GrpcServer> {
  await using server = await refusing(0, '');
  return server;
}

describe('a token that 3.6 and later refuse', () => {
  test('is told by our door like one that older members refuse', async () => {
    await using server = await refusing(16, 'etcdserver: invalid auth token');

    const failure = await failureOf(roads['our door'](server.url));

    expect(failure).toMatchObject({
      code: 'cluster-auth',
      message: `${server.url}: ${staleToken}`,
    });
  });
});
