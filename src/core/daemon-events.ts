/** What the daemon tells of itself: its life, its configuration, its plans and its turns. */
import type { BackupId } from './backup.ts';
import type { Failure } from './errors.ts';

export type DaemonEvent =
  | { kind: 'daemon-started'; version: string; node: string; cluster: string; stores: string[] }
  | { kind: 'daemon-draining'; signal: string }
  | { kind: 'daemon-stopped'; uptimeMs: number }
  | { kind: 'config-waiting'; by: string }
  | {
      kind: 'config-reloaded';
      /** Who asked for it: a signal, or the admin API. */
      by: string;
      /** Keys whose value is another one. */
      changed: readonly string[];
      cluster: string;
      stores: readonly string[];
      /** Stores that are new, or lie elsewhere than the one of that name did. */
      moved: readonly string[];
      /** Names of who is told: webhooks, and the ping. */
      targets: readonly string[];
      /** 0: there are no scrubs by schedule. */
      scrubWithinMs: number;
    }
  | { kind: 'config-refused'; by: string; failure: Failure }
  | { kind: 'reading-gave-way'; detail: string }
  | {
      kind: 'next-run-scheduled';
      at: Date;
      reason: string;
      /** The last due time but one: a newest backup from before it is too old. */
      expectedSince: Date | null;
    }
  | { kind: 'next-chore-scheduled'; chore: string; at: Date; expectedSince: Date | null }
  | { kind: 'slot-missed'; slot: Date; reason: string }
  // the turns of several daemons
  | { kind: 'turn-drawn'; slot: Date; rank: number; of: number; waitMs: number }
  | { kind: 'slot-answered'; slot: Date; store: string; id: BackupId; host: string }
  | { kind: 'retry-scheduled'; at: Date; attempt: number; attempts: number; failure: Failure }
  | { kind: 'preparation-failed'; failure: Failure }
  | {
      kind: 'retries-ended';
      slot: Date | null;
      attempts: number;
      failure: Failure;
      reason: string;
    };
