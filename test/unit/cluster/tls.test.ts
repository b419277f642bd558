/** Certificates that do not fit, on both roads, against real servers. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTls, type TlsFiles, type TlsMaterial } from '../../../src/cluster/tls.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import { startGrpcServer } from './grpc-server.ts';
import { message } from './protobuf-bytes.ts';
import { failureOf, type Road, roads } from './roads.ts';

let folder: string;
let certificates: Certificates;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'etcd-backupd-tls-'));
  certificates = makeCertificates(folder);
});

afterAll(() => rmSync(folder, { recursive: true }));

function material(changes: Partial<TlsFiles> = {}): TlsMaterial {
  return readTls({ ca: certificates.ca, client: null, serverName: null, ...changes });
}

/** An answer that both HashKV and Status can be read from: a header. */
const header = message([1, message([1, 1n], [2, 2n], [3, 7n])]);

function startServer(tls: { cert: string; key: string; clientCa?: string }) {
  return startGrpcServer((call) => call.answer(header), { tls });
}

describe.each(Object.entries(roads))('TLS to a member, by %s,', (_, ask: Road) => {
  test('holds for an address, and for a name', async () => {
    await using server = await startServer(certificates.server);

    await ask(server.url, material());
    await ask(`https://localhost:${server.port}`, material());

    expect(server.calls).toHaveLength(2);
  });

  test('holds for the name that is configured, whatever the address', async () => {
    await using server = await startServer(certificates.otherNameServer);

    await ask(server.url, material({ serverName: 'etcd.example' }));

    expect(server.calls).toHaveLength(1);
  });

  test('shows the client certificate to a member that asks for one', async () => {
    const { server: shown, ca: clientCa, client } = certificates;
    await using server = await startServer({ ...shown, clientCa });

    await ask(server.url, material({ client }));

    expect(server.calls).toHaveLength(1);
  });

  test.each([
    ['expiredServer', 'the certificate of the member has expired'],
    ['otherNameServer', 'the certificate of the member is for other names'],
  ] as const)('is refused where the member shows %s', async (which, sentence) => {
    await using server = await startServer(certificates[which]);

    const failure = await failureOf(ask(server.url, material()));

    expect(failure).toMatchObject({ code: 'cluster-tls', retryable: false });
    expect(failure.message).toContain(`${server.url}: ${sentence} (`);
    expect(server.calls).toEqual([]);
  });

  test('is refused where another name is configured than the certificate has', async () => {
    await using server = await startServer(certificates.server);

    const failure = await failureOf(ask(server.url, material({ serverName: 'etcd.example' })));

    expect(failure.message).toContain('the certificate of the member is for other names');
    expect(server.calls).toEqual([]);
  });

  test('is refused where the authority is not known', async () => {
    await using server = await startServer(certificates.server);

    const failure = await failureOf(ask(server.url, material({ ca: certificates.strangerCa })));

    expect(failure.code).toBe('cluster-tls');
    expect(failure.message).toContain('is not signed by cluster.tls.ca');
    expect(server.calls).toEqual([]);
  });

  test('is refused by a member that wants a certificate and is shown none', async () => {
    const { server: shown, ca: clientCa } = certificates;
    await using server = await startServer({ ...shown, clientCa });

    const failure = await failureOf(ask(server.url, material()));

    expect(failure.code).toBe('cluster-tls');
    expect(failure.message).toContain('the member refused our client certificate, or wants one');
    expect(server.calls).toEqual([]);
  });

  test('cannot begin with a key that is not the one of the certificate', async () => {
    await using server = await startServer(certificates.server);
    const client = { cert: certificates.client.cert, key: certificates.server.key };

    const failure = await failureOf(ask(server.url, material({ client })));

    expect(failure.code).toBe('cluster-tls');
    expect(failure.message).toContain('the files of cluster.tls do not fit together');
    expect(failure.message).not.toContain('PRIVATE KEY');
  });

  test('is missed by an endpoint that is http in truth', async () => {
    await using server = await startGrpcServer((call) => call.answer(header));

    const failure = await failureOf(ask(server.url.replace('http:', 'https:'), material()));

    expect(failure.code).toBe('cluster-tls');
    expect(failure.message).toContain('is the endpoint http instead of https?');
  });
});

describe('the files of TLS', () => {
  test('are read at each use, so that they may rotate', () => {
    const ca = join(folder, 'rotating.crt');
    writeFileSync(ca, 'first');
    const before = material({ ca });

    writeFileSync(ca, 'second');

    expect([before.ca, material({ ca }).ca].map(String)).toEqual(['first', 'second']);
  });

  test('are named by their keys where they cannot be read', () => {
    const gone = join(folder, 'gone.key');

    const act = () => material({ client: { cert: certificates.client.cert, key: gone } });

    expect(act).toThrow(expect.objectContaining({ code: 'cluster-tls' }));
    expect(act).toThrow(/^cannot read cluster.tls.key: ENOENT/);
  });

  test('may leave the authority to the system', () => {
    expect(String(material({ ca: null }).ca)).toContain('-----BEGIN CERTIFICATE-----');
  });

  test('are verified against the system where no authority is configured', async () => {
    await using server = await startServer(certificates.server);

    const failure = await failureOf(roads['our door'](server.url, material({ ca: null })));

    expect(failure.message).toContain('is not signed by cluster.tls.ca');
  });
});
