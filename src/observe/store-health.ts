/** Whether each store works, as events tell it: it can be read, and it took the last backup. */
import type { FailureCode } from '../core/errors.ts';
import type { Event } from '../core/events.ts';

/** Failures that speak of the store. Others of a run are the member's, the spool's or a stop. */
const storeCodes: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'store-failed',
  'store-full',
  'store-denied',
  'timed-out',
  'object-missing',
  'object-damaged',
]);

/** Of a failed prune, only these: a key that may not remove is no trouble for backups. */
const deadCodes: ReadonlySet<FailureCode> = new Set<FailureCode>(['store-failed', 'timed-out']);

interface Health {
  readable: boolean;
  /** One that cannot be written to can be read all the same: only a backup mends this. */
  taking: boolean;
}

export interface Told {
  readonly store: string;
  readonly up: boolean;
}

/** What an event says about its store; undefined where it says nothing. */
export function storeHealth(): (event: Event) => Told | undefined {
  const stores = new Map<string, Health>();
  return (event) => {
    if (event.kind === 'config-reloaded') for (const store of event.moved) stores.delete(store);
    const change = changeOf(event);
    if (change === undefined || !('store' in event) || event.store === null) return undefined;
    const known = stores.get(event.store) ?? { readable: false, taking: true };
    const health = { ...known, ...change };
    stores.set(event.store, health);
    return { store: event.store, up: health.readable && health.taking };
  };
}

function changeOf(event: Event): Partial<Health> | undefined {
  switch (event.kind) {
    case 'catalog-read':
      return { readable: true };
    case 'catalog-unreadable':
      return { readable: false };
    case 'backup-committed':
      return { readable: true, taking: true };
    case 'backup-not-stored':
      return storeCodes.has(event.failure.code) ? { taking: false } : undefined;
    case 'prune-failed':
      return deadCodes.has(event.failure.code) ? { readable: false } : undefined;
    default:
      return undefined;
  }
}
