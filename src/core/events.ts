/**
 * Everything worth knowing, as past facts. The engine and the daemon tell these; the log, the
 * metrics, the audit, the progress bar and the tests read them. One event is one log line.
 */
import type { BackupId, ClusterId, ProofName, ProofOutcome, Revision } from './backup.ts';
import type { DaemonEvent } from './daemon-events.ts';
import type { Failure, FailureCode } from './errors.ts';
import type { RestoreStep } from './restore.ts';
import type { Validity } from './validity.ts';

/** Why a run began. */
export type Trigger = 'schedule' | 'catch-up' | 'start' | 'request' | 'retry';

/** The steps of a backup, in order. Metric labels and kill points of the tests. */
export const backupSteps = ['choose', 'drain', 'prove', 'agree', 'seal', 'store', 'prune'] as const;
export type BackupStep = (typeof backupSteps)[number];

/**
 * How a run ended. `partial`: at least one store has the backup and at least one failed.
 * `answered`: every store had one of the slot already, by another daemon.
 */
export const runResults = [
  'success',
  'partial',
  'failure',
  'unchanged',
  'answered',
  'stopped',
] as const;
export type RunResult = (typeof runResults)[number];

/**
 * How a scrub ended, the worst first. `damaged`: damage is left. `unread`: something could not be
 * read, or no store could. `repaired`: all damage that was found is repaired.
 */
export const scrubResults = ['damaged', 'unread', 'repaired', 'clean'] as const;
export type ScrubResult = (typeof scrubResults)[number];

/** What members of etcd complain of, as etcd names it. */
export const alarmKinds = ['NOSPACE', 'CORRUPT', 'UNKNOWN'] as const;
export type AlarmKind = (typeof alarmKinds)[number];

/** What the newest proved backup of a store looks like from outside. */
export interface NewestBackup {
  readonly id: BackupId;
  readonly startedAt: Date;
  readonly revision: Revision;
  readonly rawBytes: number;
  readonly sealedBytes: number;
  /** Times of the proofs that passed. */
  readonly proofs: Readonly<Partial<Record<ProofName, Date>>>;
}

export type Event =
  | DaemonEvent
  // a run
  | { kind: 'run-started'; trigger: Trigger; slot: Date | null; attempt: number }
  | { kind: 'run-skipped'; reason: 'unchanged'; newest: BackupId; revision: Revision }
  | { kind: 'run-finished'; result: RunResult; id: BackupId | null; tookMs: number }
  | { kind: 'run-failed'; failure: Failure; tookMs: number }
  // its steps
  | { kind: 'step-finished'; step: BackupStep; tookMs: number }
  | { kind: 'step-advanced'; step: BackupStep; doneBytes: number; totalBytes: number }
  | {
      kind: 'member-chosen';
      cluster: ClusterId;
      member: string;
      name: string;
      endpoint: string;
      role: 'follower' | 'leader';
      reason: string;
    }
  | { kind: 'alarms-read'; alarms: readonly { member: string; kind: AlarmKind }[] }
  | { kind: 'source-failed'; member: string; name: string; failure: Failure }
  | { kind: 'snapshot-drained'; member: string; sizeBytes: number; tookMs: number }
  | {
      kind: 'proof-finished';
      proof: ProofName;
      /** Named for the proofs that speak of one store's copy. */
      store: string | null;
      outcome: ProofOutcome;
      evidence: Readonly<Record<string, string | number | boolean>>;
    }
  | { kind: 'hash-mismatched'; revision: Revision; members: string[]; evidence: string }
  | {
      kind: 'backup-committed';
      store: string;
      backup: NewestBackup;
      proved: boolean;
      tookMs: number;
    }
  | { kind: 'backup-not-stored'; store: string; id: BackupId; failure: Failure }
  // what stores hold
  | {
      kind: 'catalog-read';
      store: string;
      backups: number;
      storedBytes: number;
      faults: number;
      /** Copies whose bytes or manifest are known to be missing or wrong. */
      damaged: number;
      /** Since when the copy that was read the longest ago has not been read; null: no copy. */
      oldestRead: Date | null;
      newest: NewestBackup | null;
      /** The newest pass of each proof over all backups of the store. */
      proofs: Readonly<Partial<Record<ProofName, Date>>>;
    }
  | { kind: 'catalog-unreadable'; store: string; failure: Failure }
  | { kind: 'manifest-rejected'; store: string; object: string; failure: Failure }
  | { kind: 'backup-pruned'; store: string; id: BackupId; reason: string }
  | { kind: 'prune-finished'; store: string; kept: number; removed: number; tookMs: number }
  | { kind: 'prune-failed'; store: string; failure: Failure }
  | { kind: 'orphans-swept'; store: string; objects: string[] }
  | { kind: 'spool-swept'; files: string[] }
  | { kind: 'backup-verified'; store: string; id: BackupId; outcome: ProofOutcome; tookMs: number }
  | { kind: 'backup-misread'; store: string; id: BackupId; failure: Failure }
  // what was asked for over the admin API
  | { kind: 'backup-removed'; store: string; id: BackupId }
  | {
      kind: 'verify-advanced';
      store: string;
      id: BackupId;
      doneBytes: number;
      totalBytes: number;
    }
  | { kind: 'verify-gave-way'; detail: string }
  | { kind: 'verify-failed'; failure: Failure }
  // a scrub
  | { kind: 'scrub-started'; stores: string[]; copies: number; totalBytes: number }
  | { kind: 'scrub-advanced'; doneBytes: number; totalBytes: number }
  | { kind: 'backup-damaged'; store: string; id: BackupId; failure: Failure }
  | { kind: 'backup-unread'; store: string; id: BackupId; failure: Failure }
  | { kind: 'repair-failed'; store: string; id: BackupId; failure: Failure }
  | {
      kind: 'scrub-finished';
      result: ScrubResult;
      read: number;
      damaged: number;
      repaired: number;
      unread: number;
      tookMs: number;
    }
  | { kind: 'scrub-gave-way'; detail: string }
  | { kind: 'scrub-failed'; failure: Failure }
  // copies between stores
  | { kind: 'copy-advanced'; store: string; id: BackupId; doneBytes: number; totalBytes: number }
  | {
      kind: 'backup-copied';
      store: string;
      from: string;
      id: BackupId;
      /** `repaired`: what the store had of it was damaged. */
      result: 'copied' | 'repaired';
      sizeBytes: number;
      tookMs: number;
    }
  | { kind: 'copy-failed'; store: string; from: string; id: BackupId; failure: Failure }
  | { kind: 'heal-started'; missing: Readonly<Record<string, number>> }
  | { kind: 'heal-finished'; copied: number; missing: Readonly<Record<string, number>> }
  | { kind: 'heal-failed'; failure: Failure }
  | { kind: 'heal-skipped'; reason: 'backup-due'; detail: string }
  | { kind: 'hold-changed'; store: string; id: BackupId; held: boolean; reason: string }
  // restores and drills
  | { kind: 'restore-started'; dataDir: string; dryRun: boolean }
  | { kind: 'restore-step-finished'; step: RestoreStep; tookMs: number }
  | { kind: 'restore-advanced'; doneBytes: number; totalBytes: number }
  | { kind: 'restore-passed-over'; backup: BackupId; store: string; failure: Failure }
  | {
      kind: 'restore-finished';
      backup: BackupId;
      dataDir: string;
      aside: string | null;
      dryRun: boolean;
    }
  | { kind: 'restore-failed'; dataDir: string; failure: Failure }
  | { kind: 'drill-started'; backup: BackupId; store: string }
  | { kind: 'drill-finished'; backup: BackupId; store: string; tookMs: number }
  | { kind: 'drill-failed'; backup: BackupId | null; store: string | null; failure: Failure }
  | { kind: 'drill-skipped'; reason: 'no-etcd' | 'no-backup' | 'backup-due'; detail: string }
  | {
      kind: 'keys-put-back';
      /** Null: from a snapshot file. */
      backup: BackupId | null;
      cluster: ClusterId;
      prefix: string;
      deleteExtra: boolean;
      written: number;
      planned: number;
      leasesLost: number;
      /** Why fewer were written than planned. */
      failed: FailureCode | null;
    }
  // who is in the cluster
  | { kind: 'member-removed'; cluster: ClusterId; member: string; name: string }
  | {
      kind: 'member-added';
      cluster: ClusterId;
      member: string;
      name: string;
      peerUrls: readonly string[];
      learner: boolean;
    }
  // telling others; the target is a webhook's name, or ping
  | { kind: 'notice-delivered'; target: string; notice: string; attempts: number }
  | { kind: 'notice-failed'; target: string; notice: string; attempts: number; failure: Failure }
  // what is shown to others: by the admin API, and to members
  | ({ kind: 'certificate-read'; of: 'api' | 'cluster'; subject: string } & Validity)
  // the admin API
  | { kind: 'http-listening'; address: string }
  | { kind: 'http-certificate-kept'; failure: Failure }
  | { kind: 'call-failed'; method: string; path: string; failure: Failure }
  | {
      kind: 'call-made';
      who: string;
      from: string;
      method: string;
      path: string;
      status: number;
      /** What was to be changed, where the path does not tell. */
      target?: string;
    };

export type EventKind = Event['kind'];

/** Takes each event as it happens. Must not throw and must not wait. */
export type Observe = (event: Event) => void;
