/**
 * Verifies stored copies: every byte is read back and compared with the manifest. The content was
 * proved when the backup was taken, so equal bytes are equal proofs. `deep` walks it all again.
 *
 * Damage is what two readings agree on. Bytes that come out wrong once and right the next time were
 * spoiled on their way, by memory, a cable or a cache; the store holds them well.
 */
import type { Catalog } from '../catalog/catalog.ts';
import type { BackupId, ProofOutcome } from '../core/backup.ts';
import { Failure, toFailure } from '../core/errors.ts';
import type { Manifest, Proof } from '../core/manifest.ts';
import type { Store } from '../store/port.ts';
import type { EngineDeps } from './deps.ts';
import { fetchProved } from './fetch.ts';
import { type FetchOptions, readBack } from './read-back.ts';

export interface Verified {
  readonly id: BackupId;
  readonly outcome: Extract<ProofOutcome, 'passed' | 'failed'>;
  readonly failure: Failure | undefined;
}

export interface VerifyOptions extends FetchOptions {
  readonly deep: boolean;
}

/** The first three are for deep verifications. */
export type VerifyDeps = Pick<EngineDeps, 'identities' | 'prove' | 'spool' | 'observe' | 'now'>;

/**
 * Verifies one backup and writes the verdict into its manifest. A store that cannot be read throws
 * and leaves the verdict as it was: a fault of the way to the data says nothing of the data.
 */
export async function verifyBackup(
  catalog: Catalog,
  id: BackupId,
  deps: VerifyDeps,
  options: VerifyOptions,
): Promise<Verified> {
  const startedMs = performance.now();
  const manifest = await catalog.find(id, options);
  const store = catalog.store.name;
  const read = (): Promise<Failure | undefined> => faultOf(manifest, catalog.store, deps, options);
  const first = await read();
  const failure = first && (await confirmed(first, read, store));
  if (first !== undefined && failure === undefined) {
    deps.observe({ kind: 'backup-misread', store, id, failure: first });
  }
  const outcome = failure === undefined ? 'passed' : 'failed';
  const stored: Proof = { at: deps.now(), outcome, evidence: evidenceOf(manifest, failure) };
  await catalog.amend(
    id,
    (current) => ({ ...current, proofs: { ...current.proofs, stored } }),
    options,
  );
  const tookMs = Math.round(performance.now() - startedMs);
  deps.observe({ kind: 'backup-verified', store, id, outcome, tookMs });
  return { id, outcome, failure };
}

/**
 * Writes down what a look at the store has shown to be damaged already, where there is still a
 * manifest to write it into, and data that it speaks of: without data it would be taken for one
 * that somebody forgot.
 */
export async function noteDamage(
  catalog: Catalog,
  id: BackupId,
  failure: Failure,
  deps: Pick<EngineDeps, 'now'>,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  if (failure.code !== 'object-damaged') return;
  const evidence = { reason: failure.message };
  const stored: Proof = { at: deps.now(), outcome: 'failed', evidence };
  try {
    const judge = (now: Manifest): Manifest => ({ ...now, proofs: { ...now.proofs, stored } });
    await catalog.amend(id, judge, options);
  } catch {
    // The damage is the one to tell, also where it cannot be written down.
    options.signal.throwIfAborted();
  }
}

/** Reads once more: undefined where the bytes are right now. Throws where nobody can tell. */
async function confirmed(
  first: Failure,
  read: () => Promise<Failure | undefined>,
  store: string,
): Promise<Failure | undefined> {
  const second = await read();
  if (second === undefined || second.message === first.message) return second;
  const message = `store ${store} gives other bytes at each reading: ${first.message}`;
  throw new Failure('store-failed', message, {
    cause: second,
    hint: 'Look at the memory, the disk and the network between: nobody can tell what is stored.',
  });
}

async function faultOf(
  manifest: Manifest,
  store: Store,
  deps: VerifyDeps,
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
  deps: VerifyDeps,
  options: VerifyOptions,
): Promise<void> {
  await using _ = await fetchProved(manifest, store, deps, options);
}

function evidenceOf(manifest: Manifest, failure: Failure | undefined): Proof['evidence'] {
  if (failure !== undefined) return { reason: failure.message };
  return { compared: 'read back', sizeBytes: manifest.sealed.sizeBytes };
}
