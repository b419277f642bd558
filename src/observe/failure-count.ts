import type { Failure } from '../core/errors.ts';
import type { Event } from '../core/events.ts';

/**
 * The failure that an event tells first. One failure travels through several events (a source
 * failed, so the run failed, so a retry is due) and is one failure all the same.
 */
export function newFailures(): (event: Event) => Failure | undefined {
  const told = new WeakSet<Failure>();
  return (event) => {
    if (!('failure' in event) || told.has(event.failure)) return undefined;
    told.add(event.failure);
    return event.failure;
  };
}
