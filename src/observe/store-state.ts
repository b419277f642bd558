/** What is known of one store, kept from events. */
import type { ProofName } from '../core/backup.ts';
import type { Failure } from '../core/errors.ts';
import type { Event, NewestBackup } from '../core/events.ts';
import { failureFields } from './fields.ts';
import type { FailureReport, NewestReport, StoreReport } from './status-report.ts';

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
      return {
        ...store,
        missing: (store.missing ?? 0) + 1,
        failure: failureReport(event.failure, now()),
      };
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

export function failureReport(failure: Failure, at: Date): FailureReport {
  const { message, hint } = failureFields(failure, { stacks: false });
  return {
    at: at.toISOString(),
    code: failure.code,
    message: String(message),
    hint: String(hint),
  };
}

/** ISO text; a date that is none must not break the daemon, so it is shown as 1970. */
export function isoText(at: Date): string {
  return new Date(Number.isNaN(at.getTime()) ? 0 : at.getTime()).toISOString();
}
