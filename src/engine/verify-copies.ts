/** Verifies what the stores hold of one backup, one copy after another. */
import type { Catalog } from '../catalog/catalog.ts';
import type { BackupId } from '../core/backup.ts';
import { type Failure, toFailure } from '../core/errors.ts';
import { isDamage } from '../core/reading.ts';
import { everyFewMiB } from './read-back.ts';
import { type VerifyDeps, verifyBackup } from './verify.ts';

export interface CopyVerified {
  readonly store: string;
  /** `unread`: the way to it failed, which says nothing about what is stored. */
  readonly outcome: 'passed' | 'failed' | 'unread';
  readonly failure: Failure | undefined;
}

/** Each copy has a verdict, whatever becomes of the others. Only an abort is thrown. */
export async function verifyCopies(
  id: BackupId,
  catalogs: readonly Catalog[],
  deps: VerifyDeps,
  options: { readonly deep: boolean; readonly signal: AbortSignal },
): Promise<readonly CopyVerified[]> {
  const verdicts: CopyVerified[] = [];
  for (const catalog of catalogs) {
    const store = catalog.store.name;
    const onProgress = everyFewMiB((doneBytes, totalBytes) =>
      deps.observe({ kind: 'verify-advanced', store, id, doneBytes, totalBytes }),
    );
    try {
      const { outcome, failure } = await verifyBackup(catalog, id, deps, {
        ...options,
        onProgress,
      });
      verdicts.push({ store, outcome, failure });
    } catch (error) {
      options.signal.throwIfAborted();
      const failure = toFailure(error, 'store-failed');
      const isLost = isDamage(failure);
      deps.observe({ kind: isLost ? 'backup-damaged' : 'backup-unread', store, id, failure });
      verdicts.push({ store, outcome: isLost ? 'failed' : 'unread', failure });
    }
  }
  return verdicts;
}
