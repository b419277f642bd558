/** What the admin API needs from the house. The caller fits these to the daemon and its stores. */
import type { BackupId, ClusterId } from '../core/backup.ts';
import type { Failure } from '../core/errors.ts';
import type { Observe } from '../core/events.ts';
import type { JobRecord } from '../core/jobs.ts';
import type { RestoreRecord } from '../core/restore.ts';
import type { RetentionPlan } from '../core/retention.ts';
import type { Wanted } from '../engine/candidates.ts';
import type { RestoreAsked } from '../engine/plan-restore.ts';
import type { EventStreams } from './event-streams.ts';
import type { ReadTls } from './tls.ts';

export interface AdminOptions {
  /** Port 0 takes any free one. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly tokens: TokenSources;
  /** Left out: plain HTTP. */
  readonly tls?: ReadTls | undefined;
  /** Whose certificates open what, where the TLS files ask for certificates. */
  readonly clients?: ClientNames;
  /** What GET /v1/status shows: anything that becomes JSON; bigints and dates are made safe. */
  readonly status: () => unknown;
  readonly backups: BackupSource;
  /** Puts a backup on the daemon's list and returns. Throws `stopped` while it drains. */
  readonly takeBackup: () => TakeAnswer | Promise<TakeAnswer>;
  readonly jobs: JobSource;
  /**
   * Puts a verification on the daemon's list. Undefined: too many wait already. Throws
   * `backup-missing` where there is nothing to verify.
   */
  readonly verify: (wanted: VerifyWanted, limits: Limits) => Promise<TakeAnswer | undefined>;
  readonly restores: RestoreSource;
  /** Puts a drill on the daemon's list and returns. Throws `stopped` while it drains. */
  readonly requestDrill: () => TakeAnswer | Promise<TakeAnswer>;
  /** The same for a scrub. */
  readonly requestScrub: () => TakeAnswer | Promise<TakeAnswer>;
  /** The same for healing; left out where the daemon does not heal. */
  readonly requestHeal?: (() => TakeAnswer | Promise<TakeAnswer>) | undefined;
  /** Reads the configuration anew. Throws `config-invalid` where it is refused. */
  readonly reload: () => Promise<ReloadAnswer>;
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
  /** Whether the loop is alive: a daemon that only answers HTTP is dead. */
  readonly alive: () => Health;
  /** Whether the daemon has begun its work and is not draining. */
  readonly ready: () => Health;
  readonly observe: Observe;
  readonly events: EventStreams;
  /** How long an answer may take before the caller is told `timed-out`. 60 s unless given. */
  readonly answerLimitMs?: number;
  /** The clock of the limits, which never goes back. `performance.now` unless given. */
  readonly nowMs?: () => number;
  /** How long closing waits for calls in progress. 2 s unless given. */
  readonly closeLimitMs?: number;
}

/**
 * Called for every request, so that a token that changes on disk counts at once. Leave a key out
 * when it is not configured: a source that gives nothing closes the door, it does not open it.
 * One that throws fails the calls that need a token.
 */
export interface TokenSources {
  readonly read?: () => string | undefined;
  readonly operate?: () => string | undefined;
  readonly restore?: () => string | undefined;
}

/**
 * Which names in client certificates may what: `operator` is a common name; `dns:`, `uri:` and
 * `email:` begin an alternative one. A scope without names is closed to certificates.
 */
export interface ClientNames {
  readonly read?: readonly string[];
  readonly operate?: readonly string[];
  readonly restore?: readonly string[];
}

export interface Health {
  readonly ok: boolean;
  /** For people; shown also when all is well. */
  readonly reason: string;
}

export interface TakeAnswer {
  readonly status: 'accepted' | 'already-running';
  /** The job that answers the request, also where somebody else asked for it. */
  readonly job: JobRecord;
}

export interface ReloadAnswer {
  /** `waiting`: it holds as soon as what runs now has ended. */
  readonly status: 'applied' | 'unchanged' | 'waiting';
  /** Keys whose value is another one. */
  readonly changed: readonly string[];
}

export interface JobSource {
  /** Newest first. */
  list(): readonly JobRecord[];
  find(id: string): JobRecord | undefined;
}

interface Limits {
  readonly signal: AbortSignal;
}

/** All stores and clusters where nothing is named. */
export interface Choice {
  readonly store: string | undefined;
  readonly cluster: ClusterId | undefined;
}

export interface ListQuery extends Choice {
  readonly limit: number;
}

export interface VerifyWanted extends Choice {
  readonly backup: BackupId;
  readonly deep: boolean;
}

/**
 * All throw `usage` for a store that is not configured. Those that name a backup throw
 * `backup-missing` where no store has it, and `usage` where several clusters have one of that id
 * and it is to be changed.
 */
export interface BackupSource {
  /** Newest first. */
  list(query: ListQuery, limits: Limits): Promise<BackupList>;
  /** One row per store that holds it. */
  find(id: BackupId, choice: Choice, limits: Limits): Promise<readonly unknown[]>;
  /** Names the stores. Throws where one could not be asked: it may have the backup. */
  hold(
    id: BackupId,
    wanted: Choice & { readonly reason: string | null },
    limits: Limits,
  ): Promise<readonly string[]>;
  /** The same; `retention-unsafe` where a store has to keep it, and then all keep it. */
  remove(id: BackupId, choice: Choice, limits: Limits): Promise<readonly string[]>;
  /** Throws `usage` where the stores hold several clusters and none is named. */
  plan(choice: Choice, limits: Limits): Promise<PlanList>;
}

type Unreadable = { readonly store: string; readonly failure: Failure };

export interface BackupList {
  /** The manifest as JSON with its store, or whatever else the caller shows. */
  readonly backups: readonly unknown[];
  /** Stores that did not answer: one of them must not hide what the others hold. */
  readonly unreadable: readonly Unreadable[];
}

export interface PlanList {
  /** Null: no store holds anything. */
  readonly cluster: ClusterId | null;
  readonly stores: readonly { readonly store: string; readonly decisions: RetentionPlan }[];
  readonly unreadable: readonly Unreadable[];
}

export interface RestoreSource {
  /**
   * Begins a restore and returns. Throws `restore-refused` for a place that the configuration does
   * not allow and while another one runs, and `stopped` while the daemon drains.
   */
  begin(wanted: Wanted, asked: RestoreAsked): Promise<RestoreRecord>;
  /** Newest first. */
  list(): readonly RestoreRecord[];
  find(id: string): RestoreRecord | undefined;
}
