/** The metrics of copies between stores: what they mean, and what moves them. */
import type { Event } from '../core/events.ts';

const copyResults = ['success', 'failure'] as const;

export interface CopyMetrics {
  readonly copies: { readonly inc: (labels: CopyLabels, value?: number) => void };
  readonly missing: {
    readonly set: (labels: { store: string }, value: number) => void;
    readonly inc: (labels: { store: string }) => void;
  };
}

type CopyLabels = Record<'store' | 'result', string>;

type Make<M> = (name: string, help: string, labels: ('store' | 'result')[]) => M;

export function copyMetrics(
  stores: readonly string[],
  gauge: Make<CopyMetrics['missing']>,
  counter: Make<CopyMetrics['copies']>,
): CopyMetrics {
  const copies = counter(
    'copies_total',
    'Backups copied to the store from another one because they were missing or damaged there, ' +
      'by result. failure: also where the other store was at fault.',
    ['store', 'result'],
  );
  const missing = gauge(
    'store_missing_backups',
    'Backups that the store does not have, other stores have, and its retention would keep; as ' +
      'last compared, and since then those that it did not take. 0: none, or not compared yet.',
    ['store'],
  );
  for (const store of stores) {
    missing.set({ store }, 0);
    for (const result of copyResults) copies.inc({ store, result }, 0);
  }
  return { copies, missing };
}

export function countCopies({ copies, missing }: CopyMetrics, event: Event): void {
  switch (event.kind) {
    case 'backup-copied':
      copies.inc({ store: event.store, result: 'success' });
      return;
    case 'copy-failed':
      copies.inc({ store: event.store, result: 'failure' });
      return;
    case 'backup-not-stored':
      // A dead store cannot be compared: until it can, this is what is known.
      missing.inc({ store: event.store });
      return;
    case 'heal-started':
    case 'heal-finished':
      for (const [store, backups] of Object.entries(event.missing)) missing.set({ store }, backups);
      return;
    default:
      return;
  }
}
