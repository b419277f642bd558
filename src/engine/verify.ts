/**
 * Verifies stored copies: every byte is read back and compared with the manifest. The content was
 * proved when the backup was taken, so equal bytes are equal proofs. `deep` walks it all again.
 */
import type { Catalog } from '../catalog/catalog.ts';
import type { BackupId, ProofOutcome } from '../core/backup.ts';
import { type Failure, toFailure } from '../core/errors.ts';
import type { Manifest, Proof } from '../core/manifest.ts';
import type { Store } from '../store/port.ts';
import type { EngineDeps } from './deps.ts';
import { fetchProved } from './fetch.ts';
import { type FetchOptions, readBack } from './read-back.ts';
import { requireTrusted } from './trust.ts';

export interface Verified {
  readonly id: BackupId;
  readonly outcome: Extract<ProofOutcome, 'passed' | 'failed'>;
  readonly failure: Failure | undefined;
}

export interface VerifyOptions extends FetchOptions {
  readonly deep: boolean;
}

/**
 * Verifies one backup and writes the verdict into its manifest. A store that cannot be read throws
 * and leaves the verdict as it was: a fault of the way to the data says nothing of the data. So
 * does `backup-untrusted`: whose manifest it is decides nobody here.
 */
export async function verifyBackup(
  catalog: Catalog,
  id: BackupId,
  deps: EngineDeps,
  options: VerifyOptions,
): Promise<Verified> {
  const startedMs = performance.now();
  const manifest = await catalog.find(id, options);
  // Who is not trusted could have written the digests of any data: nothing would be shown by them.
  requireTrusted(manifest, deps);
  const failure = await faultOf(manifest, catalog.store, deps, options);
  const outcome = failure === undefined ? 'passed' : 'failed';
  const stored: Proof = { at: deps.now(), outcome, evidence: evidenceOf(manifest, failure) };
  await catalog.amend(
    id,
    (current) => ({ ...current, proofs: { ...current.proofs, stored } }),
    options,
  );
  const tookMs = Math.round(performance.now() - startedMs);
  deps.observe({ kind: 'backup-verified', store: catalog.store.name, id, outcome, tookMs });
  return { id, outcome, failure };
}

async function faultOf(
  manifest: Manifest,
  store: Store,
  deps: EngineDeps,
  options: VerifyOptions,
): Promise<Failure | undefined> {
  try {
    if (options.deep) await proveAgain(manifest, store, deps, options);
    else await readBack(manifest, store, options);
    return undefined;
  } catch (error) {
    options.signal.throwIfAborted();
    const failure = toFailure(error, 'store-failed');
    if (failure.code === 'object-damaged' || failure.code === 'snapshot-corrupt') return failure;
    throw failure;
  }
}

async function proveAgain(
  manifest: Manifest,
  store: Store,
  deps: EngineDeps,
  options: VerifyOptions,
): Promise<void> {
  await using _ = await fetchProved(manifest, store, deps, options);
}

function evidenceOf(manifest: Manifest, failure: Failure | undefined): Proof['evidence'] {
  if (failure !== undefined) return { reason: failure.message };
  return { compared: 'read back', sizeBytes: manifest.sealed.sizeBytes };
}
