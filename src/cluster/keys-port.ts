/** The keyspace of a live cluster, for what puts keys back. Bytes are bytes, revisions bigints. */
import type { ClusterId, Revision } from '../core/backup.ts';

export interface LiveKey {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly modRevision: bigint;
  /** 0: none. */
  readonly lease: bigint;
}

/** From `from` up to and without `end`; an `end` of one zero byte means the last key there is. */
export interface KeyRange {
  readonly from: Uint8Array;
  readonly end: Uint8Array;
}

export interface KeyPage {
  readonly clusterId: ClusterId;
  /** The revision that all pages of one read show. */
  readonly revision: Revision;
  /** In the order of their bytes. */
  readonly keys: readonly LiveKey[];
}

/** A put without a lease, or the removal of the key where `value` is null. */
export interface KeyChange {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
  /** Mod revision that the key must still have; 0 when it must be absent. */
  readonly expected: bigint;
}

export type Applied =
  | { readonly outcome: 'written' }
  /** Nothing was written. Mod revisions of the keys now, in the order of the changes; 0: absent. */
  | { readonly outcome: 'conflict'; readonly found: readonly bigint[] }
  /** Nothing was written: the cluster takes only smaller transactions. */
  | { readonly outcome: 'too-large' };

interface Limits {
  readonly signal: AbortSignal;
}

export interface LiveKeys {
  /**
   * The range at the revision that was the newest when the read began, confirmed by a quorum, in
   * one or more pages. Throws `cluster-unreachable` when no endpoint can confirm it,
   * `cluster-auth`, `cluster-permission`, `cluster-tls`, and `revision-unavailable` when the
   * revision was compacted away before the last page.
   */
  read(range: KeyRange, options: Limits): AsyncIterable<KeyPage>;

  /**
   * All changes in one transaction, or none when one key is not as expected. Throws
   * `cluster-permission`, `cluster-auth` or `restore-refused` when the cluster will not have it;
   * then nothing was written. Any other failure leaves open whether it was.
   */
  apply(changes: readonly KeyChange[], options: Limits): Promise<Applied>;
}
