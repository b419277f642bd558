/** How checks of files tell what they find. */
import { statSync } from 'node:fs';
import { systemCode, toFailure } from '../core/errors.ts';

export interface Findings {
  /** Runs a check of one key; a Failure thrown by it becomes a problem of the key. */
  readonly attempt: (key: string, check: () => void) => void;
  /** For what is not wrong and worth a line at each start. */
  readonly warn: (text: string) => void;
}

/**
 * Only a warning: Kubernetes and Docker mount secrets readable by everybody inside the container,
 * where "everybody" is this daemon alone.
 */
export function warnOfReaders(
  path: string,
  { key, warn }: { key: string; warn: (text: string) => void },
): void {
  if ((statSync(path).mode & 0o004) !== 0) {
    warn(`${key}: every user of this host can read ${path}; "chmod 0600" would end that`);
  }
}

/** For what must not keep backups from being taken. */
export function warnOfFault(key: string, check: () => void, warn: (text: string) => void): void {
  try {
    check();
  } catch (thrown) {
    warn(`${key}: ${toFailure(thrown).message}`);
  }
}

/** The system's reason as the end of a sentence that begins with a path. */
export function systemReason(thrown: unknown): string {
  const code = systemCode(thrown) ?? 'unknown error';
  return reasons[code] ?? `cannot be used (${code})`;
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'is not open to the user that this program runs as (EACCES)',
  EISDIR: 'is a folder (EISDIR)',
  ENOENT: 'does not exist (ENOENT)',
  ENOTDIR: 'leads through something that is no folder (ENOTDIR)',
  EROFS: 'is on a read-only file system (EROFS)',
};
