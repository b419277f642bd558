/** The numbers of scrubs: what they mean, and how they follow from events. */
import { type Event, scrubResults } from '../core/events.ts';
import { type Labelled, type Series, type Tally, unixSeconds } from './series.ts';

export interface ScrubSet {
  readonly scrubs: Tally<'result'>;
  readonly repairs: Tally<'result'>;
  readonly damaged: Labelled<'store'>;
  readonly oldestRead: Labelled<'store'>;
}

const repairResults = ['success', 'failure'] as const;

export function scrubMetrics(series: Series): ScrubSet {
  const scrubs = series.counter(
    'scrubs_total',
    'Scrubs that ended, by result. clean: no damage. repaired: all damage that was found is ' +
      'repaired. unread: something could not be read. damaged: damage is left. failure: a fault ' +
      'of this program.',
    ['result'],
  );
  const repairs = series.counter(
    'repairs_total',
    'Damaged copies that were to be replaced by what another store holds, by result.',
    ['result'],
  );
  const damaged = series.gauge(
    'store_damaged_backups',
    'Backups in the store whose bytes or manifest are known to be missing or wrong. As last ' +
      'read; kept while the store cannot be read. 0: none known, or not read yet.',
    ['store'],
  );
  const oldestRead = series.gauge(
    'store_oldest_read_timestamp_seconds',
    'Unix time since which the copy that was read to its end the longest ago has not been read; ' +
      'of one that was never read, the time at which it was stored. 0: the store holds no ' +
      'backup, or has not been read since the start.',
    ['store'],
  );
  for (const result of [...scrubResults, 'failure']) scrubs.inc({ result }, 0);
  for (const result of repairResults) repairs.inc({ result }, 0);
  return { scrubs, repairs, damaged, oldestRead };
}

/** What the configuration promises, for alerts to compare with. */
export function scrubRule(series: Series, withinMs: number): (withinMs: number) => void {
  const within = series.gauge(
    'scrub_within_seconds',
    'Seconds within which every copy is read again, as configured. 0: scrubs are not scheduled.',
  );
  const show = (ms: number): void => within.set(ms / 1000);
  show(withinMs);
  return show;
}

export function countScrub(set: ScrubSet, event: Event): void {
  switch (event.kind) {
    case 'scrub-finished':
      set.scrubs.inc({ result: event.result });
      return;
    case 'scrub-failed':
      set.scrubs.inc({ result: 'failure' });
      return;
    case 'backup-copied':
      if (event.result === 'repaired') set.repairs.inc({ result: 'success' });
      return;
    case 'repair-failed':
      set.repairs.inc({ result: 'failure' });
      return;
    case 'catalog-read':
      set.damaged.set({ store: event.store }, event.damaged);
      set.oldestRead.set({ store: event.store }, unixSeconds(event.oldestRead));
      return;
    default:
      return;
  }
}
