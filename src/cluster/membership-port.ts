/** Who is in the cluster, and how that is changed: one member out, one member in. */
import type { MemberId } from '../core/backup.ts';
import type { Member } from './port.ts';

export interface WantedMember {
  readonly peerUrls: readonly string[];
  readonly learner: boolean;
}

export interface Asked {
  /** A healthy voter that is not the one in question. */
  readonly via: Member;
  readonly signal: AbortSignal;
}

/**
 * Both throw `quorum-at-risk` when etcd refuses the change. After `timed-out` and
 * `cluster-unreachable` nobody knows whether it was made: a survey tells.
 */
export interface Membership {
  /** Resolves when the member is out, also when it was out before. */
  remove(id: MemberId, asked: Asked): Promise<void>;

  /** Resolves with the id of the new member, which has not started yet. */
  add(wanted: WantedMember, asked: Asked): Promise<MemberId>;
}
