/** The words of a restore: turning a backup into the data directory of a member. */
import type { BackupId, ClusterId, MemberId, Revision } from './backup.ts';
import type { Failure } from './errors.ts';

/** The steps of a restore, in order. */
export const restoreSteps = ['choose', 'preflight', 'fetch', 'prove', 'build', 'swap'] as const;
export type RestoreStep = (typeof restoreSteps)[number];

/** How the new member is to be; the words are those of etcd's flags. */
export interface MemberPlan {
  readonly dataDir: string;
  readonly name: string;
  readonly initialCluster: readonly InitialMember[];
  readonly initialClusterToken: string;
}

export interface InitialMember {
  readonly name: string;
  readonly peerUrls: readonly string[];
}

export interface RestoreOrder {
  readonly member: MemberPlan;
  readonly bumpRevision: bigint | null;
  readonly clearAlarms: boolean;
  /** Null: that of the old data directory, else of the folder that it is in. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  /** The etcd that will run on it; null when nobody said. */
  readonly etcdVersion: string | null;
  /** Over what another cluster left, an older etcd, an unproved backup. */
  readonly force: boolean;
  /** Whether an older backup may be taken where the chosen one fails its checks. */
  readonly fallback: boolean;
  /** Everything up to the swap, and then nothing is left. */
  readonly dryRun: boolean;
}

export interface RestoreReport {
  readonly backup: BackupId;
  readonly store: string;
  readonly takenAt: Date;
  /** The oldest etcd that serves what was restored, as `3.5`; null where nobody knows. */
  readonly leastEtcd: string | null;
  readonly dryRun: boolean;
  readonly dataDir: string;
  /** Where the old data is now. */
  readonly aside: string | null;
  readonly member: { readonly name: string; readonly id: MemberId };
  readonly cluster: { readonly id: ClusterId; readonly token: string };
  /** Where the member will stand after its start, a bump included. */
  readonly revision: Revision;
  readonly keys: number;
  readonly sizeBytes: number;
  readonly alarms: readonly string[];
  readonly leases: number;
  readonly authEnabled: boolean;
  /** Backups that were chosen first, and why each was not taken. */
  readonly passedOver: readonly { readonly backup: BackupId; readonly failure: Failure }[];
  readonly warnings: readonly string[];
  /** Milliseconds per step. */
  readonly steps: Readonly<Record<string, number>>;
}

/** A restore that the daemon was asked for, while it runs and after it. */
export interface RestoreRecord {
  readonly id: string;
  readonly state: 'running' | 'succeeded' | 'failed';
  /** The step that it is at, or that it failed in; null once it has succeeded. */
  readonly stage: RestoreStep | null;
  /** Of the stored bytes; null before the first of them. */
  readonly progress: { readonly doneBytes: number; readonly totalBytes: number } | null;
  readonly dataDir: string;
  readonly dryRun: boolean;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  /** Where it has succeeded. */
  readonly report: RestoreReport | null;
  /** Where it has failed. */
  readonly failure: Failure | null;
}
