/**
 * Verifies stored copies: every byte is read back and compared with the manifest. The content was
 * proved when the backup was taken, so equal bytes are equal proofs. `deep` walks it all again.
 */
import { createHash } from 'node:crypto';
import type { Catalog } from '../catalog/catalog.ts';
import type { BackupId, ProofOutcome } from '../core/backup.ts';
import { Failure, toFailure } from '../core/errors.ts';
import type { Manifest, Proof } from '../core/manifest.ts';
import { objectName } from '../core/names.ts';
import type { Store } from '../store/port.ts';
import type { EngineDeps } from './deps.ts';

export interface Verified {
  readonly id: BackupId;
  readonly outcome: Extract<ProofOutcome, 'passed' | 'failed'>;
  readonly failure: Failure | undefined;
}

export interface VerifyOptions {
  readonly deep: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/**
 * Verifies one backup and writes the verdict into its manifest. A store that cannot be read throws
 * and leaves the verdict as it was: a fault of the way to the data says nothing of the data.
 */
export async function verifyBackup(
  catalog: Catalog,
  id: BackupId,
  deps: EngineDeps,
  options: VerifyOptions,
): Promise<Verified> {
  const startedMs = performance.now();
  const manifest = await catalog.find(id, options);
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
    if (options.deep) await walkAgain(manifest, store, deps, options);
    else await readBack(manifest, store, options);
    return undefined;
  } catch (error) {
    options.signal.throwIfAborted();
    const failure = toFailure(error, 'store-failed');
    if (failure.code === 'object-damaged' || failure.code === 'snapshot-corrupt') return failure;
    throw failure;
  }
}

/**
 * Reads the stored bytes and compares their size and SHA-256 with the manifest. Throws
 * `object-damaged` when they differ, `object-missing`, or the store's own failure.
 */
export async function readBack(
  manifest: Manifest,
  store: Store,
  options: Omit<VerifyOptions, 'deep'>,
  sink?: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  const { object, sizeBytes, sha256 } = manifest.sealed;
  const hash = createHash('sha256');
  let readBytes = 0;
  for await (const chunk of store.get(objectName(object), { signal: options.signal })) {
    hash.update(chunk);
    readBytes += chunk.byteLength;
    await sink?.(chunk);
    options.onProgress?.(readBytes, sizeBytes);
  }
  const found = hash.digest('hex');
  if (readBytes === sizeBytes && found === sha256) return;
  const expected = `${sizeBytes} bytes with SHA-256 ${sha256}`;
  throw new Failure(
    'object-damaged',
    `${store.name}: ${object} has ${readBytes} bytes with SHA-256 ${found}, not ${expected}`,
    { context: { store: store.name, object, readBytes, sizeBytes, found, expected: sha256 } },
  );
}

/** Fetches the backup into the spool and proves it as if it had just been drained. */
async function walkAgain(
  manifest: Manifest,
  store: Store,
  deps: EngineDeps,
  options: VerifyOptions,
): Promise<void> {
  await using file = await deps.spool.create(manifest.raw.sizeBytes);
  await using prover = deps.prove(file.path);
  await readBack(manifest, store, options, async (chunk) => {
    await file.append([chunk], chunk.byteLength);
    prover.advance(file.sizeBytes);
  });
  const { facts } = await prover.finish(file.sizeBytes);
  const hash = await prover.hashKv(manifest.hashKv);
  const differences = [
    facts.statusHash === manifest.statusHash ? [] : ['status hash'],
    facts.revision === manifest.revision ? [] : ['revision'],
    facts.totalRows === manifest.totalRows ? [] : ['total rows'],
    facts.keys === manifest.keys ? [] : ['keys'],
    hash === manifest.hashKv.hash ? [] : ['HashKV'],
  ].flat();
  if (differences.length === 0) return;
  const what = differences.join(', ');
  throw new Failure('object-damaged', `${store.name}: the manifest tells another ${what}`);
}

function evidenceOf(manifest: Manifest, failure: Failure | undefined): Proof['evidence'] {
  if (failure !== undefined) return { reason: failure.message };
  return { compared: 'read back', sizeBytes: manifest.sealed.sizeBytes };
}
