/** What `status` and GET /v1/status show: plain JSON. Times are ISO 8601 UTC text. */
import type { ProofName } from '../core/backup.ts';
import type { FailureCode } from '../core/errors.ts';
import type { BackupStep, RunResult, ScrubResult, Trigger } from '../core/events.ts';

export type DaemonState = 'starting' | 'running' | 'draining' | 'stopped';

export interface StatusReport {
  readonly state: DaemonState;
  readonly version: string | null;
  readonly node: string | null;
  readonly cluster: string | null;
  readonly startedAt: string | null;
  readonly config: ConfigReport;
  /** The daemon's own clock when it answered. */
  readonly now: string;
  /** The run in progress. */
  readonly run: RunReport | null;
  readonly lastRun: LastRunReport | null;
  readonly nextRun: { readonly at: string; readonly reason: string } | null;
  readonly retry: {
    readonly at: string;
    readonly attempt: number;
    readonly attempts: number;
  } | null;
  /** Stays after a success: its time tells whether it is of now. */
  readonly lastFailure: FailureReport | null;
  readonly lastUnchangedAt: string | null;
  readonly lastScrub: ScrubReport | null;
  readonly consecutiveFailures: number;
  /** Runs that ended since the start, by result. */
  readonly runs: Readonly<Record<RunResult, number>>;
  readonly stores: readonly StoreReport[];
}

export interface ConfigReport {
  /** Since when the configuration in force holds. */
  readonly since: string | null;
  /** Whether another one holds as soon as what runs now has ended. */
  readonly waiting: boolean;
  /** Why the configuration that was last read was refused; null: it was not. */
  readonly refused: FailureReport | null;
}

export interface RunReport {
  readonly trigger: Trigger | null;
  readonly slot: string | null;
  readonly attempt: number;
  readonly startedAt: string;
  readonly step: BackupStep;
  readonly doneBytes: number;
  /** 0 while unknown. */
  readonly totalBytes: number;
  readonly member: { readonly id: string; readonly name: string; readonly role: string } | null;
}

export interface LastRunReport {
  readonly result: RunResult;
  readonly id: string | null;
  readonly trigger: Trigger | null;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly tookMs: number;
}

export interface ScrubReport {
  readonly finishedAt: string;
  readonly result: ScrubResult;
  /** Copies. */
  readonly read: number;
  readonly damaged: number;
  readonly repaired: number;
  readonly unread: number;
  readonly tookMs: number;
}

export interface FailureReport {
  readonly at: string;
  readonly code: FailureCode;
  readonly message: string;
  readonly hint: string;
}

export interface StoreReport {
  readonly name: string;
  /** Null until it was read for the first time. */
  readonly readable: boolean | null;
  readonly readAt: string | null;
  readonly backups: number;
  readonly storedBytes: number;
  /** Manifests that cannot be trusted. */
  readonly faults: number;
  /** Backups whose bytes or manifest are known to be missing or wrong. */
  readonly damaged: number;
  /** Since when the copy that was read the longest ago has not been read. */
  readonly oldestReadAt: string | null;
  readonly newest: NewestReport | null;
  /** Backups that others have and it should have too; null until they were compared. */
  readonly missing: number | null;
  /** The last failure with this store since it last went well. */
  readonly failure: FailureReport | null;
}

export interface NewestReport {
  readonly id: string;
  readonly startedAt: string;
  /** Decimal text: a revision may be above 2^53. */
  readonly revision: string;
  readonly rawBytes: number;
  readonly sealedBytes: number;
  readonly proofs: Readonly<Partial<Record<ProofName, string>>>;
}
