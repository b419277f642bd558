/**
 * What the program needs from an etcd cluster. Nothing else of etcd leaks through here: revisions
 * are bigints, ids are hex text, errors are Failures with our codes.
 */
import type { ClusterId, MemberId, Revision } from '../core/backup.ts';
import type { Failure } from '../core/errors.ts';
import type { AlarmKind } from '../core/events.ts';

/** A member as it answered, or the reason why it did not. */
export interface Member {
  readonly id: MemberId;
  /** Empty for a member that was added but has not started yet. */
  readonly name: string;
  /** Client URLs that the member advertises; empty while it has not started. */
  readonly clientUrls: readonly string[];
  readonly peerUrls: readonly string[];
  readonly learner: boolean;
  /** The URL that this program talks to: the first that answered, else the first advertised. */
  readonly endpoint: string | undefined;
  readonly status: MemberStatus | Failure;
}

/** What a member says of itself in one answer. */
export interface MemberStatus {
  /** For example `3.5.30`. */
  readonly serverVersion: string;
  /** 3.6 and later, for example `3.6.0`. */
  readonly storageVersion: string | undefined;
  readonly databaseBytes: number;
  readonly inUseBytes: number;
  /** Undefined while the member knows no leader. */
  readonly leader: MemberId | undefined;
  readonly raftTerm: bigint;
  readonly raftIndex: bigint;
  readonly appliedIndex: bigint;
  /** The member's newest revision when it answered. */
  readonly revision: Revision;
}

export interface Alarm {
  /** `0000000000000000` when etcd blames the whole cluster. */
  readonly member: MemberId;
  readonly kind: AlarmKind;
}

/** The cluster at one moment. */
export interface Survey {
  readonly clusterId: ClusterId;
  readonly members: readonly Member[];
  /** A Failure when no voter could be asked: alarms are then unknown, not absent. */
  readonly alarms: readonly Alarm[] | Failure;
}

/** One message of the stream, its blob in one or more pieces. */
export interface SnapshotMessage {
  /** Bytes of the database still to come after this blob; the trailer is not counted. */
  readonly remainingBytes: number;
  readonly blob: readonly Uint8Array[];
  readonly blobBytes: number;
  /** Storage version of the member (3.6 and later). */
  readonly version: string | undefined;
}

export interface ContentHash {
  readonly hash: number;
  /** The compaction that the hash was computed with; undefined when never compacted. */
  readonly compactRevision: Revision | undefined;
}

interface Limits {
  readonly signal: AbortSignal;
}

export interface Cluster extends AsyncDisposable {
  /**
   * Asks every member that the cluster knows of, starting from any endpoint that answers. A member
   * that does not answer in time has its Failure as status. Throws when no endpoint answers
   * (`cluster-unreachable`, `cluster-tls`, `cluster-auth`, `cluster-permission`).
   */
  survey(options: Limits): Promise<Survey>;

  /**
   * The cluster's newest revision, by a linearizable read through this member: when it answers,
   * the member has applied at least that revision. Needs a quorum; throws `cluster-unreachable`
   * without one.
   */
  confirmedRevision(member: Member, options: Limits): Promise<Revision>;

  /**
   * The snapshot stream of exactly this member. Ends only when the server ended it well; throws
   * `stream-broken` when it is cut, `snapshot-refused` when the member does not serve it. Leaving
   * the iteration early cancels the stream. There is no deadline: watch the bytes.
   */
  snapshot(member: Member, options: Limits): AsyncIterable<SnapshotMessage>;

  /**
   * HashKV of exactly this member at `at`. Throws `revision-unavailable` when the member has
   * compacted that revision away or has not reached it yet.
   */
  hashKv(member: Member, at: Revision, options: Limits): Promise<ContentHash>;
}
