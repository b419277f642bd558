/**
 * Where a data directory is to be: what lies there now, whom it belongs to, and which folder can be
 * exchanged by renaming. A directory that is a mount point cannot be renamed itself; there the
 * folder `member` inside it is exchanged.
 */
import { lstat, readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Failure, systemCode } from '../core/errors.ts';
import { readWalIdentity, type WalIdentity } from './wal-identity.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface Place {
  /** The data directory, as etcd is given it: `--data-dir`. */
  readonly dir: string;
  /** `member`: an etcd has run here. `foreign`: other files are there. */
  readonly state: 'absent' | 'empty' | 'member' | 'foreign';
  /** Of the directory that is there, else of the folder that it will be in. */
  readonly owner: Owner;
  readonly isMountPoint: boolean;
  /** What the log of the member that is there says of itself, where it can be read. */
  readonly identity: WalIdentity | undefined;
}

/** Throws `restore-refused` for a path that no data directory can be at. */
export async function examinePlace(dir: string): Promise<Place> {
  const parent = await statOf(dirname(dir));
  if (parent === undefined || !parent.isDirectory()) {
    throw refused(`${dirname(dir)}, where ${basename(dir)} is to be, is no folder`);
  }
  const own = await statOf(dir);
  if (own === undefined) {
    const { uid, gid } = parent;
    const place = { dir, owner: { uid, gid }, isMountPoint: false, identity: undefined };
    return { ...place, state: 'absent' };
  }
  if (!own.isDirectory()) throw refused(`${dir} is no folder`);
  const names = await readdir(dir);
  const hasMember = names.includes('member');
  return {
    dir,
    state: hasMember ? 'member' : stateOf(names),
    owner: { uid: own.uid, gid: own.gid },
    isMountPoint: own.dev !== parent.dev,
    identity: hasMember ? await readWalIdentity(join(dir, 'member', 'wal')) : undefined,
  };
}

/** A fresh file system has a folder of its own; what restores leave in a mount point is `member.`. */
function stateOf(names: readonly string[]): 'empty' | 'foreign' {
  const isKnown = (name: string): boolean => name === 'lost+found' || name.startsWith('member.');
  return names.every(isKnown) ? 'empty' : 'foreign';
}

/**
 * Throws `restore-refused` unless the path, with every link in it followed, lies in one of the
 * roots. The roots themselves are no data directories.
 */
export async function requireWithin(dir: string, roots: readonly string[]): Promise<void> {
  const real = join(await realOf(dirname(dir)), basename(dir));
  for (const root of roots) {
    const realRoot = await realOf(root);
    if (real.startsWith(realRoot === '/' ? '/' : `${realRoot}/`)) return;
  }
  const allowed = roots.length === 0 ? 'it names none' : `it names ${roots.join(', ')}`;
  throw new Failure('restore-refused', `${dir} is outside of restore.roots; ${allowed}`, {
    hint: 'Restore into a folder below one of restore.roots, or have the configuration changed.',
  });
}

async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw refused(`there is no ${path}`);
    throw refused(`${path} cannot be followed: ${(error as Error).message}`);
  }
}

async function statOf(path: string) {
  try {
    const found = await lstat(path);
    if (found.isSymbolicLink()) throw refused(`${path} is a link; name the folder itself`);
    return found;
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (systemCode(error) === 'ENOENT') return undefined;
    throw refused(`${path} cannot be looked at: ${(error as Error).message}`);
  }
}

function refused(message: string): Failure {
  return new Failure('restore-refused', message);
}
