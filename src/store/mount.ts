/**
 * Which disk a directory is on. A backup disk that is not mounted leaves an ordinary empty
 * directory behind: writing there fills the disk below, and listing there shows no backups.
 */
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The mount point of the file system that holds `path`. */
export async function mountPointOf(path: string): Promise<string> {
  let point = await realpath(path);
  while (!(await isMountPoint(point))) point = dirname(point);
  return point;
}

/** Bind mounts of the same file system do not count: their device is that of their parent. */
export async function isMountPoint(path: string): Promise<boolean> {
  const parent = dirname(path);
  if (parent === path) return true;
  const [here, above] = await Promise.all([stat(path), stat(parent)]);
  return here.dev !== above.dev;
}
