/** The certificate that members are shown is looked at with each survey. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tellCertificate } from '../../../src/cli/told-certificate.ts';
import type { Cluster } from '../../../src/cluster/port.ts';
import type { Event } from '../../../src/core/events.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { openWorkshop } from '../engine/workshop.ts';

const { signal } = new AbortController();

describe('the certificate that members are shown', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'told-certificate-'));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  async function surveying(use: (look: () => Promise<string[]>, path: string) => Promise<void>) {
    await using work = openWorkshop();
    const events: Event[] = [];
    const path = join(dir, 'shown.crt');
    const told: Cluster = tellCertificate(work.deps.cluster, path, (event) => events.push(event));
    const look = async () => {
      expect((await told.survey({ signal })).members).not.toEqual([]);
      return events.splice(0).map((event) => (event as { subject?: string }).subject ?? '');
    };
    await use(look, path);
  }

  test('is told once, and again when it is another one', async () => {
    const certificates = makeCertificates(dir);
    await surveying(async (look) => {
      certificates.issue('shown', { name: 'first' });
      const first = [await look(), await look()];
      certificates.issue('shown', { name: 'second' });
      const second = [await look(), await look()];

      expect([...first, ...second]).toEqual([['CN=first'], [], ['CN=second'], []]);
    });
  });

  test('is left to the connection where it cannot be read', async () => {
    await surveying(async (look, path) => {
      rmSync(path, { force: true });

      expect(await look()).toEqual([]);
    });
  });
});
