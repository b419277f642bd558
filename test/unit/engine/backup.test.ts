/** A backup from the survey to the manifest, and what is left of it elsewhere. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { dataName } from '../../../src/core/names.ts';
import { readBytes } from '../../contract/store-bodies.ts';
import { momentOf, openWorkshop } from './workshop.ts';

describe.concurrent('a good run', () => {
  test('tells its steps in their order', async () => {
    await using work = openWorkshop({ stores: ['memory'], retention: { keepLast: 1 } });
    await work.backup();
    work.pass(1000);
    const before = work.events.length;

    await work.backup();

    const told = work.events.slice(before).map(momentOf);
    expect(told).toEqual([
      'step-finished choose',
      'alarms-read',
      'member-chosen',
      'step-advanced',
      'snapshot-drained',
      'step-finished drain',
      'step-finished prove',
      'proof-finished received',
      'proof-finished sound',
      'proof-finished agreed',
      'step-finished agree',
      'step-finished agree',
      'step-finished seal',
      'step-advanced',
      'step-advanced',
      'backup-committed',
      'step-finished store',
      'backup-pruned',
      'catalog-read',
      'prune-finished',
      'step-finished prune',
    ]);
  });

  test('keeps the same bytes and the same manifest in every store', async () => {
    await using work = openWorkshop();

    const report = await work.backup();

    expect(report).toMatchObject({ result: 'success', failures: new Map() });
    const name = dataName(work.cluster.id, report.id);
    const manifests = [];
    for (const { store } of work.deps.shelves) {
      const [manifest, ...more] = await work.listed(store.name);
      const bytes = await readBytes(store, name);
      expect(more).toEqual([]);
      expect(manifest).toMatchObject({
        id: report.id,
        raw: {
          sizeBytes: bytes.length,
          sha256: createHash('sha256').update(bytes).digest('hex'),
        },
      });
      const { stored, ...proofs } = manifest?.proofs ?? {};
      manifests.push({ ...manifest, proofs });
    }
    expect(manifests[1]).toEqual(manifests[0]);
    expect(work.spooled()).toEqual([]);
  });

  test('writes into the manifest what the file, the source and the order say', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    work.cluster.compact(10n);
    work.cluster.add('late', { learner: true });
    const slot = new Date('2026-11-20T15:45:00.000Z');

    const { id } = await work.backup({ slot });

    const [manifest] = await work.listed('memory');
    const { members } = work.cluster;
    expect(id).toBe('20261120T154500Z-r00000000000000043-0001');
    expect(manifest).toMatchObject({
      id,
      cluster: { id: work.cluster.id, name: 'test' },
      source: { memberId: members[1]?.id, name: 'm2', role: 'follower', serverVersion: '3.5.30' },
      revision: 43n,
      compactRevision: 10n,
      keys: 31,
      hashKv: { revision: 43n, compactRevision: 10n },
      found: { leases: 0, authEnabled: false, alarms: [] },
      slot,
      program: { version: '1.2.3', node: '24.0.0' },
      host: 'host',
      hold: null,
    });
    const known = members.map(({ id, name, learner }) => ({ id, name, learner }));
    expect(manifest?.found.members).toMatchObject(known);
    expect(Object.keys(manifest?.steps ?? {})).toEqual([
      'choose',
      'drain',
      'prove',
      'agree',
      'seal',
    ]);
  });
});
