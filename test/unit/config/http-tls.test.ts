import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serverTlsReader } from '../../../src/config/server-tls.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import { load, problemsOf } from './loading.ts';

const pair = ['--http.tls.cert=/c', '--http.tls.key=/k'];
const withCa = [...pair, '--http.tls.clientCa=/a'];
const onAll = '--http.listen=0.0.0.0:9379';

describe('TLS of the admin API', () => {
  test.each([
    ['a certificate without its key', [pair[0]], 'http.tls.cert', 'needs http.tls.key'],
    ['a key without its certificate', [pair[1]], 'http.tls.key', 'needs http.tls.cert'],
    [
      'authorities of clients on plain http',
      ['--http.tls.clientCa=/a', '--http.clients.read=a'],
      'http.tls.clientCa',
      'needs http.tls.cert',
    ],
    ['authorities for nobody', withCa, 'http.tls.clientCa', 'opens nothing to anybody'],
    [
      'clients without an authority',
      [...pair, '--http.clients.operate=a'],
      'http.clients.operate',
      'needs http.tls.clientCa',
    ],
    [
      'an open address that TLS alone does not close',
      [...pair, onAll],
      'http.listen',
      'needs a token: set one of http.tokens or http.clients',
    ],
    [
      'a kind of name without the name',
      ['--http.clients.read=a,dns:'],
      'http.clients.read[1]',
      'must be a common name, or a name behind dns:',
    ],
  ])('refuses %s', (_what, flags, key, reason) => {
    const problems = problemsOf({ flags: flags as string[] });

    expect(problems).toHaveLength(1);
    expect(problems[0]?.startsWith(`${key} = `)).toBe(true);
    expect(problems[0]).toContain(reason);
  });

  test('is composed with those who may what', () => {
    const names = '--http.clients.operate=ops, dns:ops.example,uri:spiffe://example.org/a b';

    const { config, warnings } = load({ flags: [...withCa, names, onAll] });

    expect(warnings).toEqual([]);
    expect(config.http).toMatchObject({
      tls: { cert: '/c', key: '/k', clientCa: '/a' },
      clients: {
        read: [],
        operate: ['ops', 'dns:ops.example', 'uri:spiffe://example.org/a b'],
        restore: [],
      },
    });
  });

  test.each([
    ['warns of tokens on plain http for other machines', [onAll], 1],
    ['does not warn with TLS', [onAll, ...pair], 0],
    ['does not warn on loopback', [], 0],
    ['does not warn where nobody listens', [onAll, '--http.enabled=false'], 0],
  ])('%s', (_what, flags, amount) => {
    const { warnings } = load({ flags: ['--http.tokens.operate=/t', ...flags] });

    const expected =
      'http.tokens: plain http on http.listen, so tokens cross the network in clear; set http.tls';
    expect(warnings).toEqual(Array(amount).fill(expected));
  });
});

describe('files of http.tls', () => {
  let folder: string;
  let made: Certificates;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'http-tls-'));
    made = makeCertificates(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const given = (files: { cert: string; key: string; clientCa?: string }) => {
    const flags = Object.entries(files).map(([key, path]) => `--http.tls.${key}=${path}`);
    const stores = `--stores=[{ name: a, type: file, path: ${folder}/store }]`;
    const rest = ['--http.clients.read=a', stores, `--spool.dir=${folder}/spool`];
    const clientCa = files.clientCa === undefined ? [`--http.tls.clientCa=${made.ca}`] : [];
    return { flags: [...flags, ...clientCa, ...rest], checkFiles: true, today: new Date() };
  };

  test('pass when they are what their keys say', () => {
    expect(load(given(made.server)).warnings).toEqual([]);
  });

  test('are all looked at, and each is told by its key with the reason', () => {
    const { cert, key } = made.server;
    const swapped = { cert: key, key: `${folder}/none`, clientCa: key };

    expect(problemsOf(given({ cert, key: made.client.key }))).toEqual([
      `http.tls.key = "${made.client.key}"\n` +
        `  ${made.client.key} is not the key of the certificate in http.tls.cert\n` +
        '  from: flag --http.tls.key',
    ]);
    expect(problemsOf(given(swapped)).map((told) => told.split('\n').slice(0, 2))).toEqual([
      [`http.tls.clientCa = "${key}"`, `  ${key} holds no certificate in PEM form`],
      [`http.tls.cert = "${key}"`, `  ${key} holds no certificate in PEM form`],
      [`http.tls.key = "${folder}/none"`, `  ${folder}/none does not exist (ENOENT)`],
    ]);
  });

  test('are told when they have expired, and used all the same', () => {
    const { cert } = made.expiredServer;

    expect(load(given(made.expiredServer)).warnings).toEqual([
      `${cert} holds a certificate that has expired`,
    ]);
  });

  test('are given as the same object until one of them changes', () => {
    const pair = made.issue('rotating');
    const read = serverTlsReader({ ...pair, clientCa: null });

    const [first, second] = [read(), read()];
    made.issue('rotating', { name: 'renewed' });
    const third = read();

    expect(second).toBe(first);
    expect(third).toMatchObject({ subject: 'CN=renewed', clientCa: undefined });
  });

  test('are refused where OpenSSL takes no such key', () => {
    const weak = made.issue('weak', { bits: 512 });

    expect(() => serverTlsReader({ ...weak, clientCa: null })()).toThrow(
      /weak\.crt and .*weak\.key cannot be used: .*key too small/,
    );
  });

  test('are refused while the authorities are half written', () => {
    const clientCa = join(folder, 'half.crt');
    writeFileSync(clientCa, '-----BEGIN CERTIFICATE-----\nAAAA');

    expect(() => serverTlsReader({ ...made.server, clientCa })()).toThrow(
      `${clientCa} holds no certificate in PEM form`,
    );
  });
});
