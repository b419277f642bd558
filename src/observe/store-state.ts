/** What was last heard of each store. */
import type { ProofName } from '../core/backup.ts';
import type { Event, NewestBackup } from '../core/events.ts';
import { Refusals } from './refusals.ts';
import { failureReport, isoText } from './report-text.ts';
import type { NewestReport, StoreReport } from './status-report.ts';

export function unreadStore(name: string): StoreReport {
  return {
    name,
    readable: null,
    readAt: null,
    backups: 0,
    storedBytes: 0,
    faults: 0,
    damaged: 0,
    oldestReadAt: null,
    newest: null,
    missing: null,
    failure: null,
  };
}

export function noteStore(store: StoreReport, event: Event, now: () => Date): StoreReport {
  switch (event.kind) {
    case 'catalog-read': {
      const { backups, storedBytes, faults, damaged, newest, oldestRead } = event;
      const readAt = now().toISOString();
      const shown = newest === null ? null : newestReport(newest);
      const oldestReadAt = oldestRead && isoText(oldestRead);
      const facts = { backups, storedBytes, faults, damaged, oldestReadAt, newest: shown };
      return { ...store, ...facts, readable: true, readAt, failure: null };
    }
    case 'catalog-unreadable':
      return { ...store, readable: false, failure: failureReport(event.failure, now()) };
    case 'backup-not-stored':
    case 'prune-failed':
      return { ...store, failure: failureReport(event.failure, now()) };
    case 'backup-committed': {
      const newest = event.proved ? newestReport(event.backup) : store.newest;
      return { ...store, newest, failure: null };
    }
    default:
      return store;
  }
}

/** How many backups each store lacks, with what an event has told of it. */
export function followMissing(shelves: () => Map<string, StoreReport>): (event: Event) => void {
  const refusals = new Refusals();
  const note = (name: string, missing: number): void => {
    const store = shelves().get(name);
    if (store !== undefined) shelves().set(name, { ...store, missing });
  };
  return (event) => {
    for (const name of refusals.take(event)) note(name, (shelves().get(name)?.missing ?? 0) + 1);
    if (event.kind !== 'heal-started' && event.kind !== 'heal-finished') return;
    for (const [name, backups] of Object.entries(event.missing)) note(name, backups);
  };
}

/** After a reload: what was known of a store stays while it lies where it lay. */
export function reshelve(
  shelves: ReadonlyMap<string, StoreReport>,
  { stores, moved }: Extract<Event, { kind: 'config-reloaded' }>,
): Map<string, StoreReport> {
  const kept = (name: string) => (moved.includes(name) ? undefined : shelves.get(name));
  return new Map(stores.map((name) => [name, kept(name) ?? unreadStore(name)]));
}

function newestReport(newest: NewestBackup): NewestReport {
  const proofs = Object.entries(newest.proofs).map(([name, at]) => [name, isoText(at)]);
  return {
    id: newest.id,
    startedAt: isoText(newest.startedAt),
    revision: newest.revision.toString(),
    rawBytes: newest.rawBytes,
    sealedBytes: newest.sealedBytes,
    proofs: Object.fromEntries(proofs) as Partial<Record<ProofName, string>>,
  };
}
