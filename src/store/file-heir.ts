/**
 * Who gets what root puts into a store. Root works there for the daemon, which has no rights of its
 * own: what it cannot read, it can neither verify nor restore.
 */
import { lchown, lstat } from 'node:fs/promises';

export interface Heir {
  readonly uid: number;
  readonly gid: number;
}

/** The owner of the store's folder, where that is somebody else than the root who works there. */
export async function heirOf(root: string): Promise<Heir | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const { uid, gid } = await lstat(root);
  return uid === 0 ? undefined : { uid, gid };
}

/** As far as the file system knows owners. */
export async function bequeath(path: string, heir: Heir | undefined): Promise<void> {
  if (heir !== undefined) await lchown(path, heir.uid, heir.gid).catch(() => {});
}
