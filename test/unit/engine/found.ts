/** Candidates of a workshop, as tests show and make them. */
import { type BackupId, clusterId, revision } from '../../../src/core/backup.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { composeBackupId, manifestName } from '../../../src/core/names.ts';
import { candidates, type Unreadable, type Wanted } from '../../../src/engine/candidates.ts';
import { putBytes } from '../../contract/store-bodies.ts';
import { sampleManifest } from '../core/sample-manifest.ts';
import { hourMs, openWorkshop, signal, type Workshop } from './workshop.ts';

export const latest: Wanted = { backup: 'latest', before: null, store: null, cluster: null };
const { proofs } = sampleManifest();
const differs = { at: new Date(0), outcome: 'failed' as const, evidence: {} };
export const unproved: Partial<Manifest> = { proofs: { ...proofs, agreed: differs } };
export const stranger = clusterId('1');

export async function found(
  work: Workshop,
  wanted: Partial<Wanted> = {},
  ...passOver: [(newer: Unreadable) => void] | []
): Promise<string[]> {
  const all = await candidates({ ...latest, ...wanted }, work.deps, signal, ...passOver);
  return all.map(({ manifest, shelf }) => `${manifest.id} ${shelf.store.name}`);
}

/** As `found` shows the backups, in a shop with one store. */
export function shown(...manifests: readonly Manifest[]): string[] {
  return manifests.map(({ id }) => `${id} memory`);
}

export function shop(): Workshop {
  return openWorkshop({ stores: ['memory'] });
}

/** One backup an hour, the oldest first; `changes` by place. */
export async function hourly(
  work: Workshop,
  changes: readonly Partial<Manifest>[],
): Promise<readonly [Manifest, Manifest, Manifest]> {
  const placed: Manifest[] = [];
  for (const one of changes) {
    placed.push(await work.place(one));
    work.pass(hourMs);
  }
  return placed as never;
}

/** A manifest that nobody can read, dated now. */
export async function spoiled(work: Workshop, ...stores: readonly string[]): Promise<BackupId> {
  const id = composeBackupId(work.deps.now(), revision(1n), 'zzzz');
  for (const name of stores) {
    await putBytes(work.store(name), manifestName(work.cluster.id, id), '{"format":');
  }
  work.pass(hourMs);
  return id;
}
