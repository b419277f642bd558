/** What the operating system says, as failures that name the store, the path and the reason. */
import { Failure, type FailureCode, systemCode } from '../core/errors.ts';

/** A store in a directory, for messages. */
export interface Place {
  /** The store's name. */
  readonly name: string;
  readonly kind: 'file' | 'nfs';
  readonly root: string;
}

const codes: Readonly<Record<string, FailureCode>> = {
  ENOSPC: 'store-full',
  EDQUOT: 'store-full',
  EACCES: 'store-denied',
  EPERM: 'store-denied',
  EROFS: 'store-denied',
};

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'the quota is used up',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'a part of the path is a file',
  EISDIR: 'it is a directory',
  EIO: 'the disk reports an error',
  ESTALE: 'the NFS server no longer knows the file',
  ETIMEDOUT: 'the server did not answer in time',
};

const hints: Readonly<Record<Place['kind'], Readonly<Record<string, string>>>> = {
  file: {
    EDQUOT: 'Raise the quota, or keep fewer backups ("etcd-backupd prune --dry-run").',
    EROFS: 'Mount it read-write; a disk that became read-only by itself has a fault (see dmesg).',
    EIO: 'Look at the disk: the kernel log ("dmesg") says what failed.',
    ESTALE: 'Mount it again; and let the type of this store be nfs.',
  },
  nfs: {
    EDQUOT: 'Raise the quota on the server, or keep fewer backups ("prune --dry-run").',
    EROFS: 'Mount it read-write, and export it so: /etc/exports on the server needs "rw".',
    EACCES: 'Give this user rights on the server; "root_squash" makes root there a nobody.',
    EPERM: 'Give this user rights on the server; "root_squash" makes root there a nobody.',
    EIO: 'Look at the server; on a mount with "soft" this is what no answer in time looks like.',
    ESTALE: 'The folder or the export was replaced on the server; if it stays so, mount it again.',
  },
};

/** `store nas (nfs /mnt/backups)` */
export function placeText({ name, kind, root }: Place): string {
  return `store ${name} (${kind} ${root})`;
}

/** Runs one call of the file system for `place` and translates what it throws. */
export async function attempt<T>(
  place: Place,
  action: string,
  path: string,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown;
    const system = systemCode(thrown) ?? '';
    const reason = reasons[system] ?? (thrown instanceof Error ? thrown.message : String(thrown));
    const hint = hints[place.kind][system];
    throw new Failure(
      codes[system] ?? 'store-failed',
      `${placeText(place)}: cannot ${action} ${path}: ${reason}`,
      {
        cause: thrown,
        context: { store: place.name, path, system },
        ...(hint === undefined ? {} : { hint }),
      },
    );
  }
}

/** Whether a call found that the name is taken. */
export function isTaken(thrown: unknown): boolean {
  return systemCode(thrown instanceof Failure ? thrown.cause : thrown) === 'EEXIST';
}

/**
 * For calls that name a path and change nothing: a handle that went stale is looked up anew, once.
 * Never for a sync: the second one succeeds although the first one lost the bytes.
 */
export function attemptTwice<T>(
  place: Place,
  action: string,
  path: string,
  call: () => Promise<T>,
): Promise<T> {
  return attempt(place, action, path, async () => {
    try {
      return await call();
    } catch (thrown) {
      if (!isStale(thrown)) throw thrown;
      return call();
    }
  });
}

/** Whether a call found that nothing is there, also because a folder of the path is a file. */
export function isAbsent(thrown: unknown): boolean {
  const code = systemCode(thrown instanceof Failure ? thrown.cause : thrown);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Whether an NFS server has forgotten what a handle of ours names. */
export function isStale(thrown: unknown): boolean {
  return systemCode(thrown instanceof Failure ? thrown.cause : thrown) === 'ESTALE';
}
