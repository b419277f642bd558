/**
 * Removals of one store take turns. Each counts what would be left; two that count at once would
 * each take the backup that the other one relied on.
 */
import type { Store } from '../store/port.ts';

const last = new WeakMap<Store, Promise<unknown>>();

/** Does the work when those before it have ended, however they ended. Not to be nested. */
export async function removingAlone<T>(
  store: Store,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const earlier = last.get(store) ?? Promise.resolve();
  const mine = earlier.then(() => {
    signal.throwIfAborted();
    return work();
  });
  last.set(
    store,
    mine.catch(() => undefined),
  );
  return await mine;
}
