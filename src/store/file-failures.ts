/** What the operating system says, as failures that name the store, the path and the reason. */
import { Failure, type FailureCode, systemCode } from '../core/errors.ts';

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
};

/** Runs one call of the file system for `store` and translates what it throws. */
export async function attempt<T>(
  store: { readonly name: string; readonly root: string },
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
    throw new Failure(
      codes[system] ?? 'store-failed',
      `store ${store.name} (file ${store.root}): cannot ${action} ${path}: ${reason}`,
      { cause: thrown, context: { store: store.name, path, system } },
    );
  }
}

/** Whether a call found that the name is taken. */
export function isTaken(thrown: unknown): boolean {
  return systemCode(thrown instanceof Failure ? thrown.cause : thrown) === 'EEXIST';
}

/** Whether a call found that nothing is there, also because a folder of the path is a file. */
export function isAbsent(thrown: unknown): boolean {
  const code = systemCode(thrown instanceof Failure ? thrown.cause : thrown);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
