/** What a backup and a live cluster hold below a prefix, key by key. */
import type { KeyPage, KeyRange, LiveKey } from '../cluster/keys-port.ts';
import type { StoredKey } from '../format/stored-keys.ts';

export type Difference =
  /** Only in the backup. */
  | { readonly kind: 'create'; readonly stored: StoredKey; readonly live: null }
  /** In both, with other values. */
  | { readonly kind: 'overwrite'; readonly stored: StoredKey; readonly live: LiveKey }
  /** Only in the cluster. */
  | { readonly kind: 'extra'; readonly stored: null; readonly live: LiveKey }
  /** The same value. */
  | { readonly kind: 'same'; readonly stored: StoredKey; readonly live: LiveKey };

/** All keys that begin with `prefix`, as etcd counts ranges. */
export function rangeBelow(prefix: Uint8Array): KeyRange {
  const kept = prefix.findLastIndex((byte) => byte !== 0xff) + 1;
  // There is no key behind those of 0xff only: the range has no end.
  if (kept === 0) return { from: prefix.length === 0 ? Buffer.of(0) : prefix, end: Buffer.of(0) };
  const end = Uint8Array.from(prefix.subarray(0, kept));
  end[kept - 1] = (end[kept - 1] ?? 0) + 1;
  return { from: prefix, end };
}

/** Both sides come in the order of their keys, and so do the differences. */
export async function* differences(
  backup: AsyncIterable<StoredKey>,
  cluster: AsyncIterable<KeyPage>,
  readValue: (stored: StoredKey) => Uint8Array,
): AsyncGenerator<Difference, void, undefined> {
  const [left, right] = [backup[Symbol.asyncIterator](), keysOf(cluster)];
  try {
    let [stored, live] = [await nextOf(left), await nextOf(right)];
    while (stored !== null || live !== null) {
      const order = orderOf(stored, live);
      if (stored !== null && live !== null && order === 0) {
        yield { kind: isSame(stored, live, readValue) ? 'same' : 'overwrite', stored, live };
      } else if (stored !== null && order < 0) {
        yield { kind: 'create', stored, live: null };
      } else if (live !== null) {
        yield { kind: 'extra', stored: null, live };
      }
      if (order <= 0) stored = await nextOf(left);
      if (order >= 0) live = await nextOf(right);
    }
  } finally {
    await left.return?.();
    await right.return();
  }
}

async function* keysOf(pages: AsyncIterable<KeyPage>): AsyncGenerator<LiveKey, void, undefined> {
  for await (const { keys } of pages) yield* keys;
}

async function nextOf<T>(keys: AsyncIterator<T>): Promise<T | null> {
  const { done, value } = await keys.next();
  return done ? null : value;
}

/** The side that has ended comes last. */
function orderOf(stored: StoredKey | null, live: LiveKey | null): number {
  if (stored === null) return 1;
  return live === null ? -1 : Buffer.compare(stored.key, live.key);
}

function isSame(
  stored: StoredKey,
  live: LiveKey,
  readValue: (stored: StoredKey) => Uint8Array,
): boolean {
  if (stored.valueBytes !== live.value.length) return false;
  return Buffer.compare(readValue(stored), live.value) === 0;
}
