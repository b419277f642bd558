/** What a connection to a cluster reads anew, waits for and shows, against servers of our own. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClusterSettings, connectCluster } from '../../../src/cluster/connect.ts';
import type { Cluster, Member } from '../../../src/cluster/port.ts';
import { memberId, revision } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import { startMember, tokenFor } from './etcd-answers.ts';
import type { GrpcServer } from './grpc-server.ts';
import { failureOf, limitMs } from './roads.ts';

const { signal } = new AbortController();
const id = 0x8e9e_05c5_2164_694dn;
const noTls = { ca: null, client: null, serverName: null };

let folder: string;
let certificates: Certificates;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'etcd-backupd-connect-'));
  certificates = makeCertificates(folder);
});

afterAll(() => rmSync(folder, { recursive: true }));

function connectTo(server: GrpcServer, changes: Partial<ClusterSettings> = {}): Cluster {
  const endpoints = [server.url];
  const settings = { endpoints, tls: noTls, auth: null, requestTimeoutMs: limitMs };
  return connectCluster({ ...settings, ...changes });
}

function memberAt(endpoint: string | undefined): Member {
  const status = new Failure('cluster-unreachable', 'not asked');
  const known = { id: memberId(id), name: 'm1', clientUrls: [], peerUrls: [], learner: false };
  return { ...known, endpoint, status };
}

type Call = (port: Cluster, member: Member) => Promise<unknown>;

/** One of each road: etcd3 and our own door, for a single answer and for a stream. */
const calls: Readonly<Record<string, Call>> = {
  survey: (port) => port.survey({ signal }),
  'confirmed revision': (port, member) => port.confirmedRevision(member, { signal }),
  'content hash': (port, member) => port.hashKv(member, revision(9n), { signal }),
  snapshot: (port, member) => Array.fromAsync(port.snapshot(member, { signal })),
};

const members = () => [{ id, name: 'm1', clientUrls: [] }];

describe.each(Object.entries(calls))('%s', (name, call) => {
  test('shows the certificate that the files hold now, not the one of before', async () => {
    const { server: shown, ca, client: before } = certificates;
    await using server = await startMember({ id, members }, { tls: { ...shown, clientCa: ca } });
    const client = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
    const port = connectTo(server, { tls: { ca, client, serverName: null } });
    copyPair(before, client);
    await call(port, memberAt(server.url));
    const callsBefore = server.calls.length;

    copyPair(shown, client);
    await call(port, memberAt(server.url));

    const names = server.calls.map(({ shownName }) => shownName);
    expect(new Set(names.slice(0, callsBefore))).toEqual(new Set(['backup']));
    expect(new Set(names.slice(callsBefore))).toEqual(new Set(['server']));
  });

  test('trusts the authority that the file holds now', async () => {
    await using server = await startMember({ id, members }, { tls: certificates.server });
    const ca = join(folder, `${name}-ca.crt`);
    copyFileSync(certificates.strangerCa, ca);
    const port = connectTo(server, { tls: { ca, client: null, serverName: null } });
    const refused = await failureOf(call(port, memberAt(server.url)));

    copyFileSync(certificates.ca, ca);
    await call(port, memberAt(server.url));

    expect(refused.message).toContain('is not signed by cluster.tls.ca');
  });

  test('reads no file of TLS for an endpoint without it', async () => {
    await using server = await startMember({ id, members });
    const tls = { ca: join(folder, 'not-there.crt'), client: null, serverName: null };

    await call(connectTo(server, { tls }), memberAt(server.url));

    expect(server.calls.length).toBeGreaterThan(0);
  });

  test('asks for a token with the password of now, and shows that token', async () => {
    await using server = await startMember({ id, members });
    let password = 'first';
    const auth = { username: 'root', readPassword: () => password };
    const port = connectTo(server, { auth });
    await call(port, memberAt(server.url));
    const before = server.calls.length;

    password = 'second';
    await call(port, memberAt(server.url));

    const tokens = server.calls
      .slice(before)
      .filter(({ method }) => !method.endsWith('Authenticate'))
      .map(({ headers }) => headers['token']);
    expect(new Set(tokens)).toEqual(new Set([tokenFor('root', 'second')]));
  });

  test('leaves no connection open', async () => {
    await using server = await startMember({ id, members });

    await call(connectTo(server), memberAt(server.url));

    await server.untilQuiet();
    expect(server.connections).toBeGreaterThan(0);
  });
});

function copyPair(from: { cert: string; key: string }, to: { cert: string; key: string }): void {
  copyFileSync(from.cert, to.cert);
  copyFileSync(from.key, to.key);
}

describe('a member that takes a call and says nothing', () => {
  const silent = { Status: hang, Range: hang, HashKV: hang, Authenticate: hang };
  const requestTimeoutMs = 150;

  test.each([
    ['survey', 'cluster-unreachable', '150 ms'],
    ['confirmed revision', 'cluster-unreachable', '150 ms'],
    // The member reads its whole database for it.
    ['content hash', 'timed-out', '1800 ms'],
  ] as const)('ends a %s at its limit', async (name, code, limit) => {
    await using server = await startMember({ id, members, instead: silent });
    const port = connectTo(server, { requestTimeoutMs });

    const failure = await failureOf((calls[name] as Call)(port, memberAt(server.url)));

    expect(failure).toMatchObject({ code, retryable: true });
    expect(failure.message).toContain(`no answer in ${limit}`);
  });

  test('ends a snapshot at the limit only while the token is asked for', async () => {
    await using server = await startMember({ id, members, instead: silent });
    const auth = { username: 'root', readPassword: () => 'secret' };
    const port = connectTo(server, { requestTimeoutMs, auth });

    const failure = await failureOf(calls['snapshot']!(port, memberAt(server.url)));

    expect(failure.code).toBe('timed-out');
  });

  test('does not end a snapshot, which may take any time', async () => {
    const released = Promise.withResolvers<void>();
    await using server = await startMember({
      id,
      members,
      instead: { Snapshot: async (call) => released.promise.then(() => call.end()) },
    });
    const port = connectTo(server, { requestTimeoutMs: 20 });
    const drained = Array.fromAsync(port.snapshot(memberAt(server.url), { signal }));
    await server.call();

    // Later than the limit by the same clock, so the limit has had its chance.
    setTimeout(() => released.resolve(), 60);

    expect(await drained).toEqual([]);
  });
});

function hang(): void {}

describe('a connection', () => {
  test('that is never used connects to nothing', async () => {
    await using server = await startMember({ id, members });

    await using _ = connectTo(server);

    expect(server.connections).toBe(0);
  });

  test('names the file of TLS that cannot be read, whatever is asked', async () => {
    await using server = await startMember({ id, members }, { tls: certificates.server });
    const tls = { ca: join(folder, 'not-there.crt'), client: null, serverName: null };

    for (const call of Object.values(calls)) {
      const failure = await failureOf(call(connectTo(server, { tls }), memberAt(server.url)));

      expect(failure.code).toBe('cluster-tls');
      expect(failure.message).toMatch(/^cannot read cluster\.tls\.ca: ENOENT/);
    }
    expect(server.connections).toBe(0);
  });

  test('passes on what the password cannot be read for', async () => {
    await using server = await startMember({ id, members });
    const unreadable = new Failure('config-invalid', 'cannot read cluster.auth.passwordFile');
    const readPassword = () => {
      throw unreadable;
    };
    const port = connectTo(server, { auth: { username: 'root', readPassword } });

    expect(await failureOf(port.hashKv(memberAt(server.url), revision(9n), { signal }))).toBe(
      unreadable,
    );
  });

  test('cannot ask a member that has no client URL', async () => {
    await using server = await startMember({ id, members });

    const failure = await failureOf(calls['content hash']!(connectTo(server), memberAt(undefined)));

    expect(failure.message).toBe('member m1 has no client URL');
  });
});
