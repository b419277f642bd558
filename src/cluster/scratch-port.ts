/** An etcd of our own, for drills: alone on a restored data directory, reachable by nobody else. */
import type { ClusterId, Revision } from '../core/backup.ts';
import type { InitialMember } from '../core/restore.ts';
import type { ContentHash } from './port.ts';

interface Limits {
  readonly signal: AbortSignal;
}

/**
 * The only member of its cluster. Its sockets are files in its working folder, which is private:
 * the data of a backup must not be open to every user of this host, as it would be on a port.
 */
export const scratchMember: InitialMember = { name: 'drill', peerUrls: ['unix://peer:1'] };

export interface ScratchPlan {
  /** Its working folder, for sockets and log. */
  readonly folder: string;
  /** Restored for `scratchMember`, below `folder`. */
  readonly dataDir: string;
  readonly cluster: ClusterId;
  /** Longest time until it serves, and until it answers a question. */
  readonly startLimitMs: number;
}

/** Disposing ends the process and returns when it is gone. The folder stays. */
export interface ScratchEtcd extends AsyncDisposable {
  /** HashKV at `at`, asked in a way that needs no user where authentication is on. */
  hashKv(at: Revision, options: Limits): Promise<ContentHash>;
  /** Live keys at `at`. Where authentication is on nobody may ask for them. */
  countKeys(at: Revision, options: Limits): Promise<number>;
}

export interface EtcdProgram {
  /** Such as `3.5.30`. Throws `etcd-start` when there is no etcd that can be run. */
  version(options: Limits): Promise<string>;
  /**
   * Starts it and returns when it serves. Throws `etcd-start` with the end of its log when it does
   * not; whatever is thrown, no process is left.
   */
  serve(plan: ScratchPlan, options: Limits): Promise<ScratchEtcd>;
}
