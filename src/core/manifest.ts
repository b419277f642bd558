/**
 * The manifest: the commit record of a backup. Version 1 of its JSON; every version ever released
 * stays readable. 64-bit numbers travel as text, sizes as safe integers, times as ISO 8601 UTC.
 * Keys that this version does not know are kept when a manifest is rewritten.
 */
import type { BackupId, ClusterId, MemberId, ProofName, ProofOutcome, Revision } from './backup.ts';

export const manifestFormat = 1;

/** One check that the backup went through. */
export interface Proof {
  readonly at: Date;
  readonly outcome: ProofOutcome;
  /** What was compared, for people: hashes, counts, members asked, the reason of a failure. */
  readonly evidence: Readonly<Record<string, string | number | boolean>>;
}

export interface Manifest {
  readonly format: number;
  readonly id: BackupId;
  readonly cluster: { readonly id: ClusterId; readonly name: string };
  readonly source: {
    readonly memberId: MemberId;
    readonly name: string;
    readonly endpoint: string;
    readonly role: 'follower' | 'leader' | 'learner';
    readonly serverVersion: string;
    readonly storageVersion: string | null;
  };
  /** From the file, never from a status call. */
  readonly revision: Revision;
  readonly compactRevision: Revision | null;
  /** Live user keys (what etcdutl 3.6 and later call total keys). */
  readonly keys: number;
  /** Pairs in all buckets (what etcdctl 3.4 and etcdutl 3.5 call total keys). */
  readonly totalRows: number;
  /** The hash of `etcdutl snapshot status`. */
  readonly statusHash: number;
  /** The content hash that members can be asked for: HashKV. */
  readonly hashKv: {
    readonly revision: Revision;
    readonly compactRevision: Revision | null;
    readonly hash: number;
  };
  /** What the database itself says. */
  readonly found: {
    readonly members: readonly {
      readonly id: MemberId;
      readonly name: string;
      readonly peerUrls: readonly string[];
      readonly learner: boolean;
    }[];
    readonly alarms: readonly { readonly member: MemberId; readonly kind: string }[];
    readonly leases: number;
    readonly authEnabled: boolean;
  };
  /** The snapshot as etcd streamed it, trailer included. */
  readonly raw: { readonly sizeBytes: number; readonly sha256: string };
  /** What the store holds. */
  readonly sealed: {
    readonly object: string;
    readonly sizeBytes: number;
    readonly sha256: string;
    readonly codec: 'none' | 'gzip' | 'zstd';
    readonly encryption: { readonly scheme: 'age'; readonly recipients: readonly string[] } | null;
  };
  readonly startedAt: Date;
  readonly finishedAt: Date;
  /** The due time of the schedule that this backup answers; null when asked for by a person. */
  readonly slot: Date | null;
  /** Milliseconds per step. */
  readonly steps: Readonly<Record<string, number>>;
  readonly proofs: Readonly<Partial<Record<ProofName, Proof>>>;
  readonly program: { readonly version: string; readonly node: string };
  readonly host: string;
  readonly hold: { readonly at: Date; readonly reason: string } | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Who vouches for the part that never changes (`manifest-core.ts`). Missing: nobody. */
  readonly authentication?: {
    /** HMAC-SHA256, as hex; null: the data is not encrypted, so there is no key for one. */
    readonly mac: string | null;
    readonly signature: {
      readonly scheme: 'ed25519';
      /** The fingerprint of the key. Only a claim: whoever writes it can write any. */
      readonly key: string;
      readonly value: string;
    } | null;
  };
}

/**
 * Whether retention, age and restore may count on the backup: received and sound passed, and no
 * proof failed. An inconclusive or skipped `agreed` does not take that away; a mismatch does.
 */
export function isProved(manifest: Manifest): boolean {
  const { proofs } = manifest;
  if (proofs.received?.outcome !== 'passed' || proofs.sound?.outcome !== 'passed') return false;
  return Object.values(proofs).every((proof) => proof.outcome !== 'failed');
}
