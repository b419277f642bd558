/** The daemon as `status` hears it: by which token, over TLS, and to whom a token is not sent. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../../../src/cluster/loopback.ts';
import { serverTlsReader } from '../../../src/config/server-tls.ts';
import { serveAdmin } from '../../../src/http/admin.ts';
import type { AdminOptions } from '../../../src/http/sources.ts';
import { stateObserver } from '../../../src/observe/state.ts';
import {
  type CertificatePair,
  type Certificates,
  makeCertificates,
} from '../../support/certificates.ts';
import { house, operate } from '../http/house.ts';
import { call, place } from './calling.ts';

let folder: string;
let certificates: Certificates;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ask-'));
  certificates = makeCertificates(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function serve(changes: Partial<AdminOptions>): Promise<number> {
  const [port = 0] = await freePorts(1);
  const { report } = stateObserver({ stores: ['local'], now: () => new Date() });
  const listen = { host: '127.0.0.1', port };
  const admin = await serveAdmin(house({ listen, status: report, ...changes }).options);
  onTestFinished(() => admin[Symbol.asyncDispose]());
  return port;
}

async function daemonLine(port: number, settings: Record<string, string>): Promise<string> {
  const listen = { 'http.enabled': 'true', 'http.listen': `127.0.0.1:${port}` };
  const { out } = await call(['status', ...place({ ...listen, ...settings }).words]);
  return out.split('\n').find((line) => line.includes('daemon ')) ?? '';
}

function token(): string {
  const path = join(folder, 'token');
  writeFileSync(path, `${operate}\n`, { mode: 0o600 });
  return path;
}

const tlsOf = ({ cert, key }: CertificatePair) => ({ 'http.tls.cert': cert, 'http.tls.key': key });

describe('status asks the daemon', () => {
  test('over https, with the token that there is', async () => {
    const { server } = certificates;
    const port = await serve({
      tls: serverTlsReader({ ...server, clientCa: null }),
      tokens: { read: () => 'another', operate: () => operate },
    });

    const line = await daemonLine(port, { ...tlsOf(server), 'http.tokens.operate': token() });

    expect(line).toMatch(/^daemon +starting, version/);
  });

  test('but sends no token to whoever shows another certificate', async () => {
    const { server, client } = certificates;
    const tried: (string | undefined)[] = [];
    const port = await serve({
      tls: serverTlsReader({ ...server, clientCa: null }),
      tokens: {
        read: () => {
          tried.push('a token was asked for');
          return undefined;
        },
      },
    });

    const line = await daemonLine(port, { ...tlsOf(client), 'http.tokens.read': token() });

    expect(line).toBe(
      '  - the daemon does not answer on this host: shows another certificate than ' +
        `${client.cert} holds`,
    );
    expect(tried).toEqual([]);
  });

  test('and says so where it is not let in', async () => {
    const port = await serve({ tokens: { read: () => 'another' } });

    expect(await daemonLine(port, { 'http.tokens.read': token() })).toBe(
      '  - the daemon tells its state only to those who may read (401), see http.tokens',
    );
  });

  test('and says why where nobody answers', async () => {
    const [port = 0] = await freePorts(1);

    expect(await daemonLine(port, {})).toBe(
      '  - the daemon does not answer on this host: ECONNREFUSED',
    );
  });
});
