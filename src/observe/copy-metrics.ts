/** The metrics of copies between stores: what they mean, and what moves them. */
import type { Event } from '../core/events.ts';
import { Refusals } from './refusals.ts';
import type { Labelled, Series, Tally } from './series.ts';

export const copyResults = ['success', 'failure'] as const;

export interface CopyMetrics {
  readonly copies: Tally<'store' | 'result'>;
  readonly missing: Labelled<'store'>;
  readonly refusals: Refusals;
}

export function copyMetrics(series: Series): CopyMetrics {
  const copies = series.counter(
    'copies_total',
    'Backups copied to the store from another one because they were missing or damaged there, ' +
      'by result. failure: also where the other store was at fault.',
    ['store', 'result'],
  );
  const missing = series.gauge(
    'store_missing_backups',
    'Backups that the store does not have, other stores have, and its retention would keep; as ' +
      'last compared, and since then those that it did not take. 0: none, or not compared yet.',
    ['store'],
  );
  return { copies, missing, refusals: new Refusals() };
}

export function countCopies({ copies, missing, refusals }: CopyMetrics, event: Event): void {
  // A dead store cannot be compared: until it can, this is what is known.
  for (const store of refusals.take(event)) missing.inc({ store });
  switch (event.kind) {
    case 'backup-copied':
      copies.inc({ store: event.store, result: 'success' });
      return;
    case 'copy-failed':
      copies.inc({ store: event.store, result: 'failure' });
      return;
    case 'heal-started':
    case 'heal-finished':
      for (const [store, backups] of Object.entries(event.missing)) missing.set({ store }, backups);
      return;
    default:
      return;
  }
}
