import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientOf, namesIn } from '../../../src/http/client-certificates.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';

let folder: string;
let certificates: Certificates;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'clients-'));
  certificates = makeCertificates(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

function certificate(leaf: Parameters<Certificates['issue']>[1]): X509Certificate {
  return new X509Certificate(readFileSync(certificates.issue('one', leaf).cert));
}

const now = new Date();
const sound = (leaf: Parameters<Certificates['issue']>[1]) => ({
  certificate: certificate(leaf),
  fault: undefined,
});

describe('the names in a certificate', () => {
  test('are its common name and its alternative names, each of its kind', () => {
    const spiffe = 'spiffe://example.org/ns/backup/sa/ops';

    const names = namesIn(
      certificate({
        name: 'system:node:a',
        hosts: ['ops.example', '10.0.0.1'],
        uris: [spiffe],
        emails: ['ops@example.org'],
      }),
    );

    expect([...names].sort()).toEqual([
      'dns:ops.example',
      'email:ops@example.org',
      'system:node:a',
      `uri:${spiffe}`,
    ]);
  });

  test.each([
    ['a comma', { hosts: ['a.example, DNS:admin.example'] }, 'dns:admin.example'],
    ['a comma in a URI', { uris: ['https://a/?x, URI:spiffe://admin'] }, 'uri:spiffe://admin'],
    ['a quote', { hosts: ['"a.example", DNS:admin.example, "'] }, 'dns:admin.example'],
    ['a common name like an alternative one', { name: 'uri:spiffe://admin' }, 'uri:spiffe://admin'],
    ['two common names', { name: ['nobody', 'admin'] }, 'admin'],
    ['two common names, the first', { name: ['admin', 'nobody'] }, 'admin'],
    ['a line break in the common name', { name: 'x\nCN=admin' }, 'admin'],
  ])('cannot be smuggled in by %s', (_how, leaf, name) => {
    expect(namesIn(certificate(leaf)).has(name)).toBe(false);
  });
});

describe('a client certificate', () => {
  const names = {
    read: ['grafana', 'ops'],
    operate: ['ops', 'dns:ops.example'],
    restore: ['uri:spiffe://example.org/restore'],
  };

  test.each([
    [{ name: 'grafana' }, { name: 'grafana', scope: 'read' }],
    [{ name: 'ops' }, { name: 'ops', scope: 'operate' }],
    [
      { name: 'x', hosts: ['ops.example'] },
      { name: 'dns:ops.example', scope: 'operate' },
    ],
    [
      { name: 'ops', uris: ['spiffe://example.org/restore'] },
      { name: 'uri:spiffe://example.org/restore', scope: 'restore' },
    ],
  ] as const)('with %o is %o: the name that allows the most', (leaf, expected) => {
    expect(clientOf(sound(leaf), { names, now })).toEqual(expected);
  });

  test.each([
    { name: 'OPS' },
    { name: 'ops.example' },
    { name: 'x', hosts: ['*.example'] },
    { name: 'x', hosts: ['ops'] },
    { name: 'x', uris: ['spiffe://example.org/restore/more'] },
  ])('with %o is nobody', (leaf) => {
    const refusal = 'no name in the client certificate is one of http.clients';

    expect(clientOf(sound(leaf), { names, now })).toEqual({ refusal });
  });

  test('counts for nothing where OpenSSL has refused it, and says why', () => {
    const shown = { ...sound({ name: 'ops' }), fault: 'CERT_HAS_EXPIRED' };

    expect(clientOf(shown, { names, now })).toEqual({
      refusal: 'the client certificate does not count: CERT_HAS_EXPIRED',
    });
  });

  test('counts no longer on a connection that has outlived it', () => {
    const later = new Date(now.getTime() + 366 * 86_400_000);

    expect(clientOf(sound({ name: 'ops' }), { names, now: later })).toEqual({
      refusal: 'the client certificate has expired',
    });
  });
});
