/** What a restored etcd serves must be what was proved when the backup was taken. */
import type { ScratchEtcd } from '../cluster/scratch-port.ts';
import { Failure, toFailure } from '../core/errors.ts';
import type { Manifest, Proof } from '../core/manifest.ts';

/**
 * Returns what was found the same. Throws `drill-failed` where it differs, or the failure of etcd
 * itself, which says nothing of the backup.
 */
export async function compareServed(
  etcd: ScratchEtcd,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<Proof['evidence']> {
  const { revision, compactRevision, hash } = manifest.hashKv;
  const served = await etcd.hashKv(revision, { signal }).catch((error) => {
    const failure = asFailure(signal)(error);
    throw failure.code === 'revision-unavailable' ? different(failure.message) : failure;
  });
  if ((served.compactRevision ?? null) !== compactRevision) {
    const compacted = `${served.compactRevision ?? 'none'}, not ${compactRevision ?? 'none'}`;
    throw different(`it serves the compaction ${compacted}`);
  }
  if (served.hash !== hash) {
    throw different(`its HashKV at revision ${revision} is ${served.hash}, not ${hash}`);
  }
  const evidence = { revision: String(revision), hashKv: hash };
  // Only a user may count keys where authentication is on, and a drill knows none.
  if (manifest.found.authEnabled) return evidence;
  const keys = await etcd.countKeys(revision, { signal });
  if (keys === manifest.keys) return { ...evidence, keys };
  throw different(`it has ${keys} keys at revision ${revision}, not ${manifest.keys}`);
}

function different(how: string): Failure {
  return new Failure('drill-failed', `the restored etcd differs from the manifest: ${how}`);
}

/** What was thrown, unless that is the abort, which is thrown on. */
export function asFailure(signal: AbortSignal): (error: unknown) => Failure {
  return (error) => {
    signal.throwIfAborted();
    return toFailure(error);
  };
}
