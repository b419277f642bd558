import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { clusterFailure } from '../../../src/cluster/failures.ts';
import { Failure, type FailureCode } from '../../../src/core/errors.ts';
import { type GrpcServer, startGrpcServer } from './grpc-server.ts';
import { failureOf, type Road, roads } from './roads.ts';

const endpoint = 'https://etcd-1.example:2379';

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

describe('the words of a TLS library', () => {
  test.each([
    ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 'ssl/tls alert bad certificate'],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'sslv3 alert bad certificate'],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'sslv3 alert certificate expired'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'tlsv1 alert unknown ca'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tlsv13 alert certificate required'],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'sslv3 alert handshake failure'],
  ])('for a refused client are understood: %s', (code, text) => {
    const thrown = Object.assign(new Error(`error:0A000412:SSL routines:read:${text}`), { code });

    const failure = clusterFailure(thrown, endpoint);

    expect(failure.code).toBe('cluster-tls');
    expect(failure.message).toContain('the member refused our client certificate, or wants one (');
  });

  test('for a certificate of tomorrow are understood', () => {
    const code = 'CERT_NOT_YET_VALID';
    const thrown = Object.assign(new Error('certificate is not yet valid'), { code });

    expect(clusterFailure(thrown, endpoint).message).toContain('is not valid yet (');
  });

  test.each([
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unable to get local issuer certificate'],
    ['CERT_SIGNATURE_FAILURE', 'certificate signature failure'],
  ])('for an unknown authority are understood: %s', (code, text) => {
    const thrown = Object.assign(new Error(text), { code });

    const failure = clusterFailure(thrown, endpoint);

    expect(failure).toMatchObject({ code: 'cluster-tls', retryable: false });
    expect(failure.message).toContain('is not signed by cluster.tls.ca (');
  });
});

describe('the words of the network', () => {
  test.each([
    ['ENOTFOUND', 'the host name is not known'],
    ['EAI_AGAIN', 'the host name is not known'],
    ['EHOSTUNREACH', 'the host is unreachable'],
    ['ENETUNREACH', 'the host is unreachable'],
    ['ETIMEDOUT', 'the connection timed out'],
    ['ECONNREFUSED', 'connection refused'],
    ['ECONNRESET', 'the connection was closed; is the endpoint https instead of http?'],
  ])('are understood also under two wrappings: %s', (code, sentence) => {
    const cause = Object.assign(new Error('connect'), { code });
    const thrown = new Error('canceled', { cause: new Error('session', { cause }) });

    expect(clusterFailure(thrown, endpoint)).toMatchObject({
      code: 'cluster-unreachable',
      message: `${endpoint}: ${sentence}`,
      cause: thrown,
    });
  });

  test('of a limit that gRPC has kept become a time-out', () => {
    const thrown = Object.assign(new Error('4 DEADLINE_EXCEEDED: 2s passed'), { code: 4 });

    expect(clusterFailure(thrown, endpoint)).toMatchObject({
      code: 'timed-out',
      message: `${endpoint}: no answer in time`,
    });
  });
});

describe('a failure', () => {
  test('that is one already passes through as it is', () => {
    const stopped = new Failure('stopped', 'asked to stop');

    expect(clusterFailure(stopped, endpoint)).toBe(stopped);
  });

  test('is made of anything that is thrown, an error or not', () => {
    expect(clusterFailure('just text', endpoint)).toMatchObject({
      code: 'cluster-unreachable',
      message: `${endpoint}: just text`,
    });
    expect(clusterFailure(undefined, endpoint).code).toBe('cluster-unreachable');
  });

  test('has one line of what it was told, without the prefix of gRPC and without a stack', () => {
    const text = `13 INTERNAL: it broke\n    at Object.<anonymous> (/srv/app.js:1:1)`;
    const thrown = Object.assign(new Error(text), { code: 13 });

    expect(clusterFailure(thrown, endpoint).message).toBe(`${endpoint}: it broke`);
  });

  test('repeats no more than a line or two of a long text', () => {
    const thrown = new Error('x'.repeat(10_000));

    expect(clusterFailure(thrown, endpoint).message).toHaveLength(endpoint.length + 2 + 300);
  });
});
