/** What the daemon is given, and what it can be asked: its loop is in `loop.ts`. */
import type { BackupReport } from '../engine/backup.ts';
import type { BackupOrder } from '../engine/order.ts';
import type { Chore } from './chores.ts';
import type { Health } from './health.ts';
import type { WorkOptions } from './job.ts';
import type { StartDeps } from './startup.ts';
import type { BeatDeps } from './supervision.ts';
import type { TimetableDeps, TimetableRules } from './timetable.ts';

export interface DaemonSettings extends TimetableRules {
  /** A backup that still runs this long after the drain began is aborted. */
  readonly drainLimitMs?: number | undefined;
}

export interface DaemonDeps extends StartDeps, TimetableDeps, BeatDeps {
  readonly about: { version: string; node: string; cluster: string; stores: string[] };
  readonly takeBackup: (order: BackupOrder, options: WorkOptions) => Promise<BackupReport>;
  /** Left out: there are none. */
  readonly chores?: readonly Chore[];
}

export interface Daemon extends AsyncDisposable {
  /**
   * Asks for a backup that begins after now. `already-queued`: one that has not begun yet will
   * answer this request too. Throws `stopped` while draining.
   */
  request(): 'accepted' | 'already-queued';
  /** By its name. `already-queued`: it runs or is due. Throws `stopped` while draining. */
  requestChore(name: string): 'accepted' | 'already-queued';
  alive(): Health;
  ready(): Health;
  /**
   * Goes on by what `change` gives, which is called once nothing runs; not at all when another
   * change comes before that, or the end. Undefined calls off a change that still waits. Throws
   * `stopped` while draining.
   */
  follow(change: Change | undefined): void;
  /** Lets a running backup finish and begins nothing. `signal` is told in the event. */
  drain(signal: string): Promise<DaemonEnd>;
  /** Drains, and aborts a running backup. */
  abort(): Promise<DaemonEnd>;
  /** Settles once the daemon has stopped; rejects only for a fault of the daemon itself. */
  readonly ended: Promise<DaemonEnd>;
}

export interface DaemonEnd {
  /** Whether a backup was cut short. */
  readonly aborted: boolean;
}

export interface Duties {
  readonly settings: DaemonSettings;
  readonly deps: DaemonDeps;
}

/** Begins something new and gives the duties under it; undefined: all stays as it is. */
export type Change = () => Duties | undefined;
