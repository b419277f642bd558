/**
 * What backups of one cluster exist in one store. The store is the truth: nothing is remembered
 * between calls, there is no index, and a backup exists exactly when its manifest does.
 */
import type { BackupId, ClusterId } from '../core/backup.ts';
import { isProved, type Manifest } from '../core/manifest.ts';
import type { Store } from '../store/port.ts';
import { amendManifest, backupMissing } from './amend.ts';
import { commitManifest } from './commit.ts';
import { forgetBackup } from './forget.ts';
import { type CatalogListing, readListing } from './listing.ts';
import {
  type ClusterFolder,
  dataFault,
  dataSize,
  orMissing,
  readManifest,
} from './manifest-object.ts';
import { renewManifest } from './renew.ts';
import { type SweepOrder, type Swept, sweepOrphans } from './sweep.ts';

export type { CatalogFault, CatalogListing } from './listing.ts';
export type { SweepOrder, Swept } from './sweep.ts';

interface Limits {
  readonly signal: AbortSignal;
}

export interface Catalog {
  readonly store: Store;
  readonly cluster: ClusterId;

  /** Every backup that can be believed, oldest first, and what cannot be believed beside them. */
  backups(options: Limits): Promise<CatalogListing>;

  /**
   * Throws `backup-missing`, `manifest-invalid`, and `object-missing` or `object-damaged` where
   * the data is gone or has another size.
   */
  find(id: BackupId, options: Limits): Promise<Manifest>;

  /** With `notAfter`, a backup that a wrong clock dated into the future is passed over. */
  latestProved(options: Limits & { readonly notAfter?: Date }): Promise<Manifest | undefined>;

  /**
   * Makes a backup of data that the store holds already. Refuses a manifest below `sound`, data
   * that is missing or has another size, and a name that another backup has.
   */
  commit(manifest: Manifest, options: Limits): Promise<void>;

  /**
   * The manifest alone, whatever became of the data. Throws `backup-missing`, `manifest-invalid`
   * and `object-damaged`.
   */
  manifest(id: BackupId, options: Limits): Promise<Manifest>;

  /** Writes the manifest over one that cannot be believed any more; the data must be there. */
  renew(manifest: Manifest, options: Limits): Promise<void>;

  /** Edits hold, proofs or labels of the manifest as it is now. `edit` may be called late. */
  amend(id: BackupId, edit: (current: Manifest) => Manifest, options: Limits): Promise<Manifest>;

  /** Idempotent. Throws `retention-unsafe` for a backup that is held. */
  forget(id: BackupId, options: Limits): Promise<void>;

  /** Removes orphans and unfinished puts that are older than the grace. */
  sweep(order: SweepOrder): Promise<Swept>;
}

export function openCatalog(store: Store, cluster: ClusterId): Catalog {
  return new StoreCatalog(store, cluster);
}

// Keyed by the store, because a catalog is opened wherever one is needed.
const amendments = new WeakMap<Store, Promise<unknown>>();

class StoreCatalog implements Catalog, ClusterFolder {
  readonly store: Store;
  readonly cluster: ClusterId;

  constructor(store: Store, cluster: ClusterId) {
    this.store = store;
    this.cluster = cluster;
  }

  backups(options: Limits): Promise<CatalogListing> {
    return readListing(this, options.signal);
  }

  async find(id: BackupId, options: Limits): Promise<Manifest> {
    const { signal } = options;
    const manifest = await this.manifest(id, options);
    const failure = dataFault(this, manifest, await dataSize(this, manifest, signal));
    if (failure !== undefined) throw failure;
    return manifest;
  }

  async latestProved(
    options: Limits & { readonly notAfter?: Date },
  ): Promise<Manifest | undefined> {
    const { signal, notAfter } = options;
    const { backups } = await readListing(this, signal);
    return backups.findLast(
      (backup) => isProved(backup) && (notAfter === undefined || backup.startedAt <= notAfter),
    );
  }

  commit(manifest: Manifest, options: Limits): Promise<void> {
    return commitManifest(this, manifest, options.signal);
  }

  async manifest(id: BackupId, options: Limits): Promise<Manifest> {
    const manifest = await orMissing(readManifest(this, id, options.signal));
    if (manifest === undefined) throw backupMissing(this, id);
    return manifest;
  }

  renew(manifest: Manifest, options: Limits): Promise<void> {
    return renewManifest(this, manifest, options.signal);
  }

  /** One after another in this process: two editors at once would each undo the other. */
  amend(id: BackupId, edit: (current: Manifest) => Manifest, options: Limits): Promise<Manifest> {
    const earlier = amendments.get(this.store) ?? Promise.resolve();
    const amended = earlier.then(() => amendManifest(this, id, edit, options.signal));
    // The next one waits for this one to end, however it ends.
    amendments.set(
      this.store,
      amended.catch(() => undefined),
    );
    return amended;
  }

  forget(id: BackupId, options: Limits): Promise<void> {
    return forgetBackup(this, id, options.signal);
  }

  sweep(order: SweepOrder): Promise<Swept> {
    return sweepOrphans(this, order);
  }
}
