/** What is asked of the engine: one backup, and why. */
import type { Trigger } from '../core/events.ts';

export interface BackupOrder {
  readonly trigger: Trigger;
  /** The due time that this backup answers; null when asked for by a person. */
  readonly slot: Date | null;
  /** 1 for the first try of a run. */
  readonly attempt: number;
  /** Skips the backup when the newest one is younger than this and nothing changed; 0 never. */
  readonly skipUnchangedMs: number;
  /** Whether a backup of the slot that another daemon made will do, in stores that both write. */
  readonly unlessAnswered?: boolean;
}
