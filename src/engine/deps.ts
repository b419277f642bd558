/** What the stories of the engine are given. Nothing here is built by the engine itself. */
import type { Catalog } from '../catalog/catalog.ts';
import type { ChooseRules } from '../cluster/choose.ts';
import type { Cluster } from '../cluster/port.ts';
import type { EtcdProgram } from '../cluster/scratch-port.ts';
import type { ClusterId } from '../core/backup.ts';
import type { Observe } from '../core/events.ts';
import type { RetentionPolicy } from '../core/retention.ts';
import type { SigningKey, TrustedKey } from '../core/signing-key.ts';
import type { ProvableFile, Prover } from '../spool/prover.ts';
import type { Spool } from '../spool/spool.ts';
import type { Store } from '../store/port.ts';
import type { Identity } from '../stream/age-keys.ts';
import type { SealRules } from '../stream/seal.ts';

/** A store with its own retention. */
export interface Shelf {
  readonly store: Store;
  readonly retention: RetentionPolicy;
  /** Of several whole copies, the one in the nearest store is read. 0 if left out. */
  readonly distance?: number;
  /** Whether other daemons of the cluster write to it as well. */
  readonly shared?: boolean;
}

export interface SourceRules {
  readonly choose: ChooseRules;
  readonly stallTimeoutMs: number;
  /** Whether other members are asked for their content hash. */
  readonly agreement: 'auto' | 'always' | 'never';
  /** `auto` does not ask for databases larger than this: HashKV holds up writes on a member. */
  readonly agreementMaxBytes: number;
  readonly onMismatch: 'keep' | 'discard';
}

export interface RestoreRules {
  /** Folders that data directories may be restored below; none: anywhere. */
  readonly roots: readonly string[];
  /** Programs around the swap. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly hookLimitMs: number;
}

/** Who vouches for manifests. Keys are read at each use, for they may be replaced. */
export interface Trust {
  /** Signs the backups that are taken here; null: nobody does. */
  readonly signer: () => SigningKey | null;
  /** One of them has to have signed what is opened here; none: no signature is asked for. */
  readonly keys: () => readonly TrustedKey[];
  /** Whether a person said that backups are to be taken which nobody vouches for. */
  readonly acceptsUnsigned: boolean;
}

export interface EngineDeps {
  readonly clusterName: string;
  readonly cluster: Cluster;
  readonly source: SourceRules;
  readonly seal: SealRules;
  /** The secret keys that open encrypted backups; asked at each use, for they may be replaced. */
  readonly identities: () => readonly Identity[];
  readonly trust: Trust;
  readonly spool: Spool;
  readonly prove: (file: ProvableFile) => Prover;
  readonly shelves: readonly Shelf[];
  readonly openCatalog: (store: Store, cluster: ClusterId) => Catalog;
  readonly timezone: string;
  readonly orphanGraceMs: number;
  readonly observe: Observe;
  readonly now: () => Date;
  /** Four of `[a-z0-9]`: keeps the ids of backups apart that start in one second. */
  readonly suffix: () => string;
  readonly program: { readonly version: string; readonly node: string };
  readonly host: string;
}

export type RestoreDeps = Pick<
  EngineDeps,
  'shelves' | 'openCatalog' | 'clusterName' | 'identities' | 'trust' | 'prove' | 'observe' | 'now'
> & { readonly restore: RestoreRules };

export interface DrillRules {
  readonly etcd: EtcdProgram;
  /** Longest time until it serves, and until it answers a question. */
  readonly startLimitMs: number;
}

export type DrillDeps = Omit<RestoreDeps, 'restore'> &
  Pick<EngineDeps, 'spool'> & { readonly drill: DrillRules };
