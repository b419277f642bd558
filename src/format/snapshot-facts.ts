/** What is inside a snapshot, read from the file itself. Plain values, so threads can post it. */
import type { MemberId, Revision } from '../core/backup.ts';

export interface FoundMember {
  readonly id: MemberId;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly learner: boolean;
}

export interface FoundAlarm {
  readonly member: MemberId;
  /** A number for a kind that this program does not know. */
  readonly kind: 'NOSPACE' | 'CORRUPT' | number;
}

export interface FoundLease {
  /** 16 hex digits, as etcdctl prints it. */
  readonly id: string;
  readonly ttlSeconds: bigint;
  /** 0 unless the cluster persists checkpoints of leases. */
  readonly remainingSeconds: bigint;
}

export interface FoundAuth {
  readonly enabled: boolean;
  readonly revision: bigint;
  readonly users: readonly string[];
  readonly roles: readonly string[];
}

/** What the buckets other than `key` say. */
export interface ClusterFacts {
  readonly members: readonly FoundMember[];
  readonly removedMembers: readonly MemberId[];
  readonly alarms: readonly FoundAlarm[];
  /** All are counted, the first 1000 are listed. */
  readonly leases: { readonly count: number; readonly first: readonly FoundLease[] };
  readonly auth: FoundAuth;
  readonly storageVersion: string | null;
  readonly clusterVersion: string | null;
  readonly consistentIndex: bigint | null;
  readonly term: bigint | null;
  readonly downgrade: { readonly targetVersion: string; readonly enabled: boolean } | null;
}

export interface SnapshotFacts extends ClusterFacts {
  readonly pageSize: number;
  /** Pages in use times their size: what `snapshot status` calls the total size. */
  readonly databaseBytes: number;
  readonly txid: bigint;
  /** Of the last row, as `snapshot status` prints it; 0 without rows. */
  readonly revision: Revision;
  /** What a member started from the file stands at: compactions may lie above the last row. */
  readonly currentRevision: Revision;
  readonly compactRevision: Revision | null;
  /** The hash of `snapshot status`. */
  readonly statusHash: number;
  /** Pairs in all buckets: "total keys" of the tools up to 3.5. */
  readonly totalRows: number;
  /** Live user keys: "total keys" of the tools from 3.6 on. */
  readonly keys: number;
  readonly buckets: readonly { readonly name: string; readonly rows: number }[];
}
