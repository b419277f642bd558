/** When a stored copy was last read to its end, which only its manifest remembers. */
import type { Failure, FailureCode } from './errors.ts';
import type { Manifest } from './manifest.ts';

/**
 * Undefined where nobody has read it yet: a link, or a digest that the store itself computed while
 * it took the bytes, says what went in, not what comes out.
 */
export function lastRead({ proofs: { stored } }: Manifest): Date | undefined {
  const isRead = stored?.outcome === 'failed' || stored?.evidence['compared'] === 'read back';
  return isRead ? stored?.at : undefined;
}

/** Since when nobody has read it: its last reading, or the time at which it was stored. */
export function unreadSince(manifest: Manifest): Date {
  return lastRead(manifest) ?? manifest.proofs.stored?.at ?? manifest.finishedAt;
}

/** Whether the last verdict about the stored bytes is that they are not those of the backup. */
export function isDamaged({ proofs }: Manifest): boolean {
  return proofs.stored?.outcome === 'failed';
}

const damageCodes: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'object-damaged',
  'object-missing',
  'manifest-invalid',
  'snapshot-corrupt',
]);

/** Whether a failure speaks of what is stored. All others speak of the way to it. */
export function isDamage({ code }: Failure): boolean {
  return damageCodes.has(code);
}

const waysToCopies: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'backup-missing',
  'backup-untrusted',
  'store-failed',
  'store-denied',
  'timed-out',
]);

/** Whether a failure speaks of one copy, or the way to it: another copy of the backup may do. */
export function isOfOneCopy(failure: Failure): boolean {
  return isDamage(failure) || waysToCopies.has(failure.code);
}
