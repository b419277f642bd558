/** A rule about settings that are right one by one and wrong together. */
import type { Settings } from './schema.ts';

export interface Rule {
  /** The first is the key that is told. */
  readonly keys: readonly [string, ...string[]];
  /** Why the values cannot stand together, or null where they can. */
  readonly reason: (settings: Settings) => string | null;
  readonly example?: string;
}
