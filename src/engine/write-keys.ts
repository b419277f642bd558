/** Writes changes to a live cluster in transactions, as long as nobody else writes to the keys. */
import type { KeyChange, LiveKeys } from '../cluster/keys-port.ts';
import { Failure, type FailureCode, toFailure } from '../core/errors.ts';
import { keyText } from '../core/key-text.ts';

/** A change whose value is read when its turn comes. */
export interface PlannedChange {
  readonly key: Uint8Array;
  /** Null: the key is removed. */
  readonly value: (() => Uint8Array) | null;
  readonly expected: bigint;
}

// Below what etcd allows unless it is told otherwise: 128 operations and 1.5 MiB.
const mostChanges = 100;
const mostBytes = 1024 * 1024;
// What a change costs in a request beside its key, which is in it three times, and its value.
const changeBytes = 64;

/**
 * Writes all changes in their order and tells `written` of each transaction. Throws
 * `put-back-conflict` when a key is not as expected; what came before it stays written. A
 * transaction that has begun is ended, also after the signal.
 */
export async function writeKeys(
  planned: readonly PlannedChange[],
  keys: LiveKeys,
  { signal, written }: { readonly signal: AbortSignal; written: (changes: number) => void },
): Promise<void> {
  let limitBytes = mostBytes;
  const unhurried = new AbortController().signal;
  for (let at = 0; at < planned.length; ) {
    signal.throwIfAborted();
    const batch = batchFrom(planned, at, limitBytes);
    const applied = await keys.apply(batch.changes, { signal: unhurried }).catch((error) => {
      throw inDoubt(toFailure(error), batch.changes);
    });
    if (applied.outcome === 'conflict') throw conflict(batch.changes, applied.found);
    if (applied.outcome === 'too-large') {
      if (batch.changes.length === 1) throw tooLarge(batch.changes);
      // Half the bytes are fewer changes too, whichever of both was too much.
      limitBytes = batch.bytes / 2;
      continue;
    }
    at += batch.changes.length;
    written(at);
  }
}

/** As many as a transaction may have, and at least one. */
function batchFrom(
  planned: readonly PlannedChange[],
  from: number,
  limitBytes: number,
): { readonly changes: readonly KeyChange[]; readonly bytes: number } {
  const changes: KeyChange[] = [];
  let bytes = 0;
  for (const { key, value, expected } of planned.slice(from, from + mostChanges)) {
    const change = { key, value: value === null ? null : value(), expected };
    const size = 3 * key.length + (change.value?.length ?? 0) + changeBytes;
    if (changes.length > 0 && bytes + size > limitBytes) break;
    changes.push(change);
    bytes += size;
  }
  return { changes, bytes };
}

function conflict(changes: readonly KeyChange[], found: readonly bigint[]): Failure {
  const at = changes.findIndex(({ expected }, index) => expected !== found[index]);
  const change = changes[at];
  if (change === undefined) return new Failure('internal', 'a conflict without a changed key');
  const now = found[at] === 0n ? 'is gone' : `has mod revision ${found[at]}`;
  const before = change.expected === 0n ? 'was not there' : `had ${change.expected}`;
  return new Failure(
    'put-back-conflict',
    `somebody changed ${shown(change)} meanwhile: it ${now} and ${before} when it was compared`,
    { hint: 'Nothing of its transaction was written. Run it again to see the difference anew.' },
  );
}

/** Failures that say that the cluster did not take the transaction. */
const refusals: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'cluster-auth',
  'cluster-permission',
  'cluster-tls',
  'restore-refused',
]);

/** What breaks in the middle of a call may have been done all the same. */
function inDoubt(failure: Failure, changes: readonly KeyChange[]): Failure {
  if (refusals.has(failure.code)) return failure;
  const first = changes[0] === undefined ? '' : shown(changes[0]);
  const count = changes.length === 1 ? 'key' : `${changes.length} keys`;
  return new Failure(
    failure.code,
    `${failure.message}; whether the ${count} from ${first} on were written is not known`,
    { cause: failure, hint: 'Run the command again: it shows and writes what is still different.' },
  );
}

function tooLarge([change]: readonly KeyChange[]): Failure {
  const key = change === undefined ? 'a key' : shown(change);
  return new Failure('restore-refused', `the cluster takes no value as large as that of ${key}`, {
    hint: 'Raise --max-request-bytes of every member to what it was, then run the command again.',
  });
}

const longestKey = 200;

function shown({ key }: KeyChange): string {
  const text = keyText(key);
  return text.length > longestKey ? `${text.slice(0, longestKey)}...` : text;
}
