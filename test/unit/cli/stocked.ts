/** A file store with backups, for the commands that read stores. */
import { createHash } from 'node:crypto';
import { openCatalog } from '../../../src/catalog/catalog.ts';
import { clusterId, revision } from '../../../src/core/backup.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { composeBackupId, dataName } from '../../../src/core/names.ts';
import { fileStore } from '../../../src/store/file.ts';
import { putBytes, signal } from '../../contract/store-bodies.ts';
import { sampleManifest } from '../core/sample-manifest.ts';
import type { Place } from './calling.ts';

export const owner = clusterId('cdf818194e3a8c32');
export const stranger = clusterId('1');

/** What the calendar of the tests says: all backups are older. */
export const today = new Date('2026-11-21T00:00:00Z');

const content = 'sealed bytes';

export interface Given {
  readonly startedAt: string;
  readonly cluster?: Manifest['cluster']['id'];
  readonly changes?: Partial<Manifest>;
  readonly sealed?: Partial<Manifest['sealed']>;
}

/** Puts a backup whose data are what its manifest says. */
export async function stock({ storeDir }: Place, given: Given): Promise<Manifest> {
  const { cluster: id = owner, changes = {} } = given;
  const startedAt = new Date(given.startedAt);
  const at = revision(55919n);
  const named = composeBackupId(startedAt, at, 'abcd');
  const sealed = {
    ...sampleManifest().sealed,
    object: dataName(id, named),
    sizeBytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    ...given.sealed,
  };
  const cluster = { id, name: 'production' };
  const parts = {
    startedAt,
    slot: startedAt,
    revision: at,
    id: named,
    cluster,
    sealed,
    hold: null,
  };
  const manifest = sampleManifest({ ...parts, ...changes });
  const store = fileStore({ name: 'local', root: storeDir });
  await putBytes(store, manifest.sealed.object, content);
  await openCatalog(store, id).commit(manifest, { signal });
  return manifest;
}

/** A plain one, one that is held, and one that other members contradict; oldest first. */
export async function stockThree(place: Place): Promise<readonly Manifest[]> {
  const at = new Date('2026-11-20T18:00:00Z');
  const { proofs } = sampleManifest();
  const differs = { at, outcome: 'failed' as const, evidence: { reason: 'm2 has another hash' } };
  return [
    await stock(place, { startedAt: '2026-11-18T15:45:00Z' }),
    await stock(place, {
      startedAt: '2026-11-19T15:45:00Z',
      changes: { hold: { at, reason: 'before the upgrade' } },
    }),
    await stock(place, {
      startedAt: '2026-11-20T15:45:00Z',
      changes: { proofs: { ...proofs, agreed: differs } },
    }),
  ];
}
