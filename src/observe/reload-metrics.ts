/** The metrics of reloads, and what a reload does to the others: stores come and go. */
import type { Event, Observe } from '../core/events.ts';
import { type Series, unixSeconds, type Value } from './series.ts';
import type { StoreSeries } from './store-series.ts';

export interface ReloadSet {
  readonly successful: Value;
  readonly successAt: Value;
}

/** The start counts as a success, as with Prometheus itself. */
export function reloadMetrics(series: Series, startedAt: Date): ReloadSet {
  const successful = series.gauge(
    'config_last_reload_successful',
    '1: the configuration was taken over the last time that it was read. 0: it was refused, and ' +
      'the daemon goes on with the one before.',
  );
  const successAt = series.gauge(
    'config_last_reload_success_timestamp_seconds',
    'Unix time at which a configuration was last taken over, by the start or by a reload. 0: ' +
      'never.',
  );
  successful.set(1);
  successAt.set(unixSeconds(startedAt));
  return { successful, successAt };
}

export interface ReloadWatch {
  readonly stores: readonly string[];
  readonly ofStores: StoreSeries;
  readonly showScrubRule: (withinMs: number) => void;
  readonly now: () => Date;
}

export interface WatchedReloads {
  readonly observe: Observe;
  /** Whether the store is one of the configuration in force. */
  knows(store: string): boolean;
}

export function watchReloads(set: ReloadSet, watch: ReloadWatch): WatchedReloads {
  const { ofStores, showScrubRule, now } = watch;
  let stores = new Set(watch.stores);
  for (const store of stores) ofStores.begin(store);
  const observe = (event: Event): void => {
    if (event.kind === 'config-refused') set.successful.set(0);
    if (event.kind !== 'config-reloaded') return;
    set.successful.set(1);
    set.successAt.set(unixSeconds(now()));
    showScrubRule(event.scrubWithinMs);
    const next = new Set(event.stores);
    const gone = [...stores].filter((store) => !next.has(store) || event.moved.includes(store));
    for (const store of gone) ofStores.forget(store);
    for (const store of event.moved) ofStores.begin(store);
    stores = next;
  };
  return { observe, knows: (store) => stores.has(store) };
}
