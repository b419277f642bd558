/** Which stores lack the backup of a run, once that is known. */
import type { Event } from '../core/events.ts';

export class Refusals {
  readonly #stores = new Set<string>();

  /** The stores without the backup, with the event that ends a run. */
  take(event: Event): readonly string[] {
    if (event.kind === 'run-started') this.#stores.clear();
    if (event.kind === 'backup-not-stored') this.#stores.add(event.store);
    if (event.kind !== 'run-finished') return [];
    // What no store took is missing in none of them.
    const missing = event.result === 'partial' ? [...this.#stores] : [];
    this.#stores.clear();
    return missing;
  }
}
