/** Holds: a mark on a backup that no policy removes. */
import type { Catalog } from '../catalog/catalog.ts';
import type { BackupId } from '../core/backup.ts';
import type { EngineDeps } from './deps.ts';

/** Sets the hold with its reason, or releases it when `reason` is null. Safe to call twice. */
export async function holdBackup(
  catalog: Catalog,
  id: BackupId,
  reason: string | null,
  deps: Pick<EngineDeps, 'observe' | 'now'>,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  const hold = reason === null ? null : { at: deps.now(), reason };
  await catalog.amend(id, (current) => ({ ...current, hold }), options);
  const store = catalog.store.name;
  deps.observe({ kind: 'hold-changed', store, id, held: hold !== null, reason: reason ?? '' });
}
