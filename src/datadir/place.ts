/**
 * Where a data directory is to be: what lies there now, whom it belongs to, and which folder can be
 * exchanged by renaming. A directory that is a mount point cannot be renamed itself; there the
 * folder `member` inside it is exchanged.
 */
import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
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
  /** Of the member that is there, else of the folder; whom a new folder can be given to. */
  readonly owner: Owner;
  readonly isMountPoint: boolean;
  /** What the log of the member that is there says of itself, where it can be read. */
  readonly identity: WalIdentity | undefined;
}

/** Throws `restore-refused` for a path that no data directory can be at. */
export async function examinePlace(path: string): Promise<Place> {
  const dir = resolve(path);
  const parent = await statOf(dirname(dir));
  if (parent === undefined || !parent.isDirectory()) {
    throw refused(`${dirname(dir)}, where ${basename(dir)} is to be, is no folder`);
  }
  const own = await statOf(dir);
  if (own === undefined) {
    const place = { dir, owner: newOwner(parent), isMountPoint: false, identity: undefined };
    return { ...place, state: 'absent' };
  }
  if (!own.isDirectory()) throw refused(`${dir} is no folder`);
  const isMountPoint = own.dev !== parent.dev || (await isMounted(dir));
  const state = stateOf(await readdir(dir), isMountPoint);
  // The folder may be root's while the etcd that has run in it has another user.
  const member = state === 'member' ? await lstat(join(dir, 'member')) : own;
  return {
    dir,
    state,
    owner: { uid: member.uid, gid: member.gid },
    isMountPoint,
    identity: state === 'member' ? await readWalIdentity(join(dir, 'member', 'wal')) : undefined,
  };
}

/**
 * A fresh file system has a folder of its own; what restores leave in a mount point is `member.`.
 * Any other folder is only empty when nothing is in it: it is replaced as a whole.
 */
function stateOf(names: readonly string[], isMountPoint: boolean): Place['state'] {
  if (names.includes('member')) return 'member';
  const isKnown = (name: string): boolean => name === 'lost+found' || name.startsWith('member.');
  return names.every((name) => isMountPoint && isKnown(name)) ? 'empty' : 'foreign';
}

/** Only root can give files to others: theirs is the folder around them; mine is mine. */
function newOwner(parent: Owner): Owner {
  const uid = process.geteuid?.() ?? 0;
  const mine = { uid, gid: process.getegid?.() ?? 0 };
  return uid === 0 ? { uid: parent.uid, gid: parent.gid } : mine;
}

/** A folder that is mounted from the same file system has its device: the kernel's list tells. */
async function isMounted(dir: string): Promise<boolean> {
  const real = join(await realOf(dirname(dir)), basename(dir));
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return mounts.split('\n').some((line) => mountPointIn(line) === real);
}

/** The fifth word; spaces and the like in it are written as octal numbers. */
function mountPointIn(line: string): string | undefined {
  const bytes = (line.split(' ')[4] ?? '').replaceAll(/\\([0-7]{3})/g, (_, octal: string) => {
    return String.fromCharCode(Number.parseInt(octal, 8));
  });
  return bytes === '' ? undefined : bytes;
}

/**
 * Throws `restore-refused` unless the path, with every link in it followed, lies in one of the
 * roots. The roots themselves are no data directories.
 */
export async function requireWithin(dir: string, roots: readonly string[]): Promise<void> {
  const real = join(await realOf(dirname(dir)), basename(dir));
  for (const root of roots) {
    // A root that is not on this host holds nothing; another one may.
    const realRoot = await realpath(root).catch(() => undefined);
    if (realRoot === undefined) continue;
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
