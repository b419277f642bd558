/**
 * What the program needs from a place that keeps objects. The promises below are what
 * `test/contract/store.ts` checks on every store.
 */
import type { ObjectName } from '../core/names.ts';
import type { LockEnd } from '../core/retention.ts';

export interface ObjectFacts {
  readonly name: ObjectName;
  readonly sizeBytes: number;
  /** The store's own clock: only for the grace period of orphans, never for ordering. */
  readonly modifiedAt: Date;
  /** What `stat` tells, and `list` does not, of an object that nobody can remove before. */
  readonly lockedUntil?: LockEnd;
}

/** Bytes to be stored. */
export interface Body {
  /**
   * The bytes from the start, as often as it is called: a retry begins anew. A chunk may be
   * overwritten when the next one is asked for: who keeps it, copies it.
   */
  open(): AsyncIterable<Uint8Array>;
  /**
   * Checked against what arrived: a short or long body fails the put. A promise for bytes that are
   * still coming, or are not yet known to be wanted: no object appears before it is kept, and where
   * it is broken the put fails with its reason.
   */
  readonly sizeBytes: number | Promise<number>;
  /** Where the size is a promise: about how many bytes, so that a store can plan. */
  readonly aboutBytes?: number;
  /**
   * A file that holds exactly these bytes and will not change once `sizeBytes` is known, when it is
   * synced, too: a store on the same file system may link to it instead of copying. It must not
   * be read: what is copied comes from `open`, where limits and progress see it.
   */
  readonly file?: string;
}

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * What the store itself compared while it stored a body. `same-file`: the object is the body's
 * file, not a copy of it. `checksum`: the store computed a digest of the whole object and it is the
 * digest of what was sent. `nothing`: the caller reads the object back to be sure.
 */
export interface PutFacts {
  readonly compared: 'same-file' | 'checksum' | 'nothing';
}

/** What a store has shown about its place. */
export interface Examined {
  /** For people: `renames replace, folders sync, 12 GiB free`. */
  readonly lines: readonly string[];
  /** Null where nobody can tell. */
  readonly freeBytes: number | null;
}

interface Limits {
  readonly signal: AbortSignal;
}

export interface PutOptions extends Limits {
  /**
   * Replaces nothing: throws `object-exists` where the name is taken. Of many who do this at once
   * one succeeds, on every store but a bucket whose server does not hold to conditions.
   */
  readonly onlyNew?: boolean;
}

export interface Store extends AsyncDisposable {
  /** As configured; unique among the stores. A metric label. */
  readonly name: string;
  /** For people: `file /var/lib/etcd-backupd`. */
  describe(): string;

  /**
   * All or nothing: when it returns, the whole object is durable; when it throws or the process
   * dies, list and get show what was there before. Replaces an object of the same name, unless it
   * is asked for a new one. Throws `store-full`, `store-denied`, `store-failed`.
   */
  put(name: ObjectName, body: Body, options: PutOptions): Promise<PutFacts>;

  /**
   * The bytes, or those of `range`. A chunk may be overwritten when the next one is asked for: who
   * keeps it, copies it. Throws `object-missing`; a range that reaches past the end
   * throws `object-damaged`. An object removed while it is read is still read to its end where the
   * store can do that, and never ends early without an error.
   */
  get(name: ObjectName, options: Limits & { range?: ByteRange }): AsyncIterable<Uint8Array>;

  /** Throws `object-missing`. */
  stat(name: ObjectName, options: Limits): Promise<ObjectFacts>;

  /** Every whole object whose name begins with `prefix`, sorted by name. Unfinished puts and
   * foreign files with names that are no object names do not appear. */
  list(prefix: string, options: Limits): AsyncIterable<ObjectFacts>;

  /** Idempotent: removing what is not there succeeds. */
  remove(name: ObjectName, options: Limits): Promise<void>;

  /** Removes what killed puts left behind, older than `olderThan`; returns how many. */
  sweep(olderThan: Date, options: Limits): Promise<number>;

  /**
   * Tries what puts rely on where putting and getting do not show it, with an object that exists
   * and may be replaced. Leaves nothing else behind. Absent where there is nothing to find out.
   */
  examine?(probe: ObjectName, options: Limits): Promise<Examined>;
}
