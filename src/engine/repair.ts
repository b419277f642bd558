/** Replaces a damaged copy by what another store holds of the same backup. */
import type { Catalog } from '../catalog/catalog.ts';
import type { BackupId } from '../core/backup.ts';
import { Failure, toFailure } from '../core/errors.ts';
import { lastRead } from '../core/reading.ts';
import { copyBackup } from './copy.ts';
import type { EngineDeps } from './deps.ts';
import { type VerifyDeps, verifyBackup } from './verify.ts';

type Deps = VerifyDeps & Pick<EngineDeps, 'shelves' | 'openCatalog'>;

interface Limits {
  readonly signal: AbortSignal;
}

/**
 * Returns the store that it was repaired from; the copy has been read to its end by then. Undefined
 * where it is as damaged as before, which is told. Throws aborts only.
 */
export async function repairCopy(
  copy: { readonly catalog: Catalog; readonly id: BackupId },
  damage: Failure,
  deps: Deps,
  { signal }: Limits,
): Promise<string | undefined> {
  const { catalog, id } = copy;
  const store = catalog.store.name;
  const others = deps.shelves.filter((shelf) => shelf.store !== catalog.store);
  const reasons: string[] = [];
  for (const other of others) {
    const from = deps.openCatalog(other.store, catalog.cluster);
    let isSourceAtFault = false;
    const onSourceFault = (): void => {
      isSourceAtFault = true;
    };
    try {
      await copyBackup(id, from, catalog, deps, { signal, replace: true, onSourceFault });
      await readOnce(catalog, id, deps, signal);
      return other.store.name;
    } catch (error) {
      signal.throwIfAborted();
      reasons.push(`${other.store.name}: ${toFailure(error, 'store-failed').message}`);
      // What keeps this store from being written to would keep every other copy out as well.
      if (!isSourceAtFault) break;
    }
  }
  const why = reasons.length === 0 ? 'there is no other store' : reasons.join('; ');
  const message = `backup ${id} in store ${store} is damaged and could not be repaired: ${why}`;
  const failure = new Failure('object-damaged', message, {
    cause: damage,
    context: { store, id },
    hint: 'Take a backup now, drill the newest one, and look at the disk of the store.',
  });
  deps.observe({ kind: 'repair-failed', store, id, failure });
  return undefined;
}

/** A store's own digest says what went in; that it comes out as well is what was in doubt. */
async function readOnce(
  catalog: Catalog,
  id: BackupId,
  deps: Deps,
  signal: AbortSignal,
): Promise<void> {
  if (lastRead(await catalog.find(id, { signal })) !== undefined) return;
  const { failure } = await verifyBackup(catalog, id, deps, { deep: false, signal });
  if (failure !== undefined) throw failure;
}
