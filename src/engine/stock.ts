/** What a store holds, told as one event: the truth behind the metrics. */
import type { Catalog, CatalogListing } from '../catalog/catalog.ts';
import { clusters } from '../catalog/clusters.ts';
import type { ClusterId, ProofName } from '../core/backup.ts';
import { toFailure } from '../core/errors.ts';
import type { NewestBackup } from '../core/events.ts';
import type { Manifest } from '../core/manifest.ts';
import { isDamage, isDamaged, unreadSince } from '../core/reading.ts';
import type { EngineDeps, Shelf } from './deps.ts';
import { counts, trusts } from './trust.ts';

/** The newest backup as events show it. */
export function newestBackup(manifest: Manifest): NewestBackup {
  return {
    id: manifest.id,
    startedAt: manifest.startedAt,
    revision: manifest.revision,
    rawBytes: manifest.raw.sizeBytes,
    sealedBytes: manifest.sealed.sizeBytes,
    proofs: passedProofs([manifest]),
  };
}

/** The newest pass of each proof over the given backups. */
function passedProofs(manifests: readonly Manifest[]): Partial<Record<ProofName, Date>> {
  const newest: Partial<Record<ProofName, Date>> = {};
  for (const { proofs } of manifests) {
    for (const [name, proof] of Object.entries(proofs) as [
      ProofName,
      Manifest['proofs'][ProofName],
    ][]) {
      if (proof?.outcome !== 'passed') continue;
      if ((newest[name]?.getTime() ?? 0) < proof.at.getTime()) newest[name] = proof.at;
    }
  }
  return newest;
}

/** Reads the catalog and tells what it holds; the faults are told one by one. */
export async function takeStock(
  catalog: Catalog,
  deps: Pick<EngineDeps, 'observe' | 'now' | 'trust'>,
  signal: AbortSignal,
): Promise<CatalogListing> {
  const store = catalog.store.name;
  const listing = await catalog.backups({ signal });
  for (const { name, failure } of listing.faults) {
    deps.observe({ kind: 'manifest-rejected', store, object: name, failure });
  }
  const newest = listing.backups.findLast(counts(deps.trust, deps.now()));
  deps.observe({
    kind: 'catalog-read',
    store,
    backups: listing.backups.length,
    storedBytes: listing.backups.reduce((sum, { sealed }) => sum + sealed.sizeBytes, 0),
    faults: listing.faults.length,
    damaged: damagedIn(listing),
    oldestRead: oldestRead(listing.backups),
    newest: newest === undefined ? null : newestBackup(newest),
    proofs: passedProofs(listing.backups.filter(trusts(deps.trust))),
  });
  return listing;
}

/** Where the store did not answer for a manifest, nobody knows of damage. */
function damagedIn({ backups, faults }: CatalogListing): number {
  const broken = faults.filter(({ failure }) => isDamage(failure));
  return backups.filter(isDamaged).length + broken.length;
}

function oldestRead(backups: readonly Manifest[]): Date | null {
  const times = backups.map((manifest) => unreadSince(manifest).getTime());
  return times.length === 0 ? null : new Date(Math.min(...times));
}

/** The same for every store; a store that cannot be read is told and left out. */
export async function takeAllStock(
  cluster: ClusterId,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<ReadonlyMap<Shelf, CatalogListing>> {
  const read = new Map<Shelf, CatalogListing>();
  await Promise.all(
    deps.shelves.map(async (shelf) => {
      try {
        const catalog = deps.openCatalog(shelf.store, cluster);
        read.set(shelf, await takeStock(catalog, deps, signal));
      } catch (error) {
        const failure = toFailure(error, 'store-failed');
        deps.observe({ kind: 'catalog-unreadable', store: shelf.store.name, failure });
      }
    }),
  );
  signal.throwIfAborted();
  return read;
}

/**
 * Tells of the stores that hold nothing of any cluster. Where nobody knows which cluster is ours,
 * this is still sure: a store that somebody emptied holds no backup of it.
 */
export async function takeEmptyStock(deps: EngineDeps, signal: AbortSignal): Promise<void> {
  const none = { newest: null, oldestRead: null, proofs: {} };
  const nothing = { backups: 0, storedBytes: 0, faults: 0, damaged: 0, ...none };
  await Promise.all(
    deps.shelves.map(async ({ store }) => {
      try {
        const found = await clusters(store, { signal });
        if (found.length > 0) return;
        deps.observe({ kind: 'catalog-read', store: store.name, ...nothing });
      } catch (error) {
        const failure = toFailure(error, 'store-failed');
        deps.observe({ kind: 'catalog-unreadable', store: store.name, failure });
      }
    }),
  );
  signal.throwIfAborted();
}
