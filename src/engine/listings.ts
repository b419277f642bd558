/** What a store holds of several clusters. */
import type { Catalog, CatalogListing } from '../catalog/catalog.ts';
import type { ClusterId } from '../core/backup.ts';
import type { EngineDeps, Shelf } from './deps.ts';

export interface Listed {
  readonly catalog: Catalog;
  readonly listing: CatalogListing;
}

/** Throws where the store cannot be read, also where there is no cluster to look for. */
export async function listClusters(
  { store }: Shelf,
  ids: readonly ClusterId[],
  { openCatalog }: Pick<EngineDeps, 'openCatalog'>,
  signal: AbortSignal,
): Promise<readonly Listed[]> {
  // Without any cluster id the store was not asked anything yet; a dead one must be told.
  if (ids.length === 0) for await (const _ of store.list('', { signal })) break;
  const all: Listed[] = [];
  for (const id of ids) {
    const catalog = openCatalog(store, id);
    all.push({ catalog, listing: await catalog.backups({ signal }) });
  }
  return all;
}
