/** Which clusters have a folder in a store: more than one means that a cluster was rebuilt. */
import type { ClusterId } from '../core/backup.ts';
import { parseObjectName } from '../core/names.ts';
import type { Store } from '../store/port.ts';

/** Sorted. A cluster whose folder holds nothing of ours does not count. */
export async function clusters(
  store: Store,
  options: { readonly signal: AbortSignal },
): Promise<readonly ClusterId[]> {
  const found = new Set<ClusterId>();
  for await (const { name } of store.list('', options)) {
    const parsed = parseObjectName(name);
    if (parsed !== undefined) found.add(parsed.cluster);
  }
  return [...found].sort();
}
