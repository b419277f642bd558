/** Tries in a directory what its puts rely on, and tells what it found, for people. */
import { randomBytes } from 'node:crypto';
import { lstat, open, readFile, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../core/errors.ts';
import { formatBytes } from '../core/units.ts';
import { attempt, type Place, placeText } from './file-failures.ts';
import { syncFolder, unfinishedPrefix } from './file-put.ts';
import { mountOf } from './mount.ts';
import type { Examined } from './port.ts';

/** Leaves nothing behind; what a kill leaves is swept like an unfinished put. */
export async function examinePlace(place: Place, unfinished: Set<string>): Promise<Examined> {
  const names = [0, 1].map(() => `${unfinishedPrefix}${randomBytes(8).toString('hex')}`);
  const [older = '', newer = ''] = names.map((name) => join(place.root, name));
  unfinished.add(older).add(newer);
  try {
    await write(place, older, 'older');
    await write(place, newer, 'newer');
    const modes = await attempt(place, 'look at', newer, () => lstat(newer));
    await attempt(place, 'rename', newer, () => rename(newer, older));
    const content = await attempt(place, 'read', older, () => readFile(older, 'utf8'));
    if (content !== 'newer') {
      throw new Failure('store-failed', `${placeText(place)}: a rename does not replace a file`, {
        context: { store: place.name, path: older },
        hint: 'Backups need a file system whose rename is atomic; take another one.',
      });
    }
    await attempt(place, 'sync', place.root, () => syncFolder(place.root));
    return await describePlace(place, modes.mode);
  } finally {
    for (const path of [older, newer]) {
      await rm(path, { force: true }).catch(() => {});
      unfinished.delete(path);
    }
  }
}

async function write(place: Place, path: string, text: string): Promise<void> {
  const handle = await attempt(place, 'write', path, () => open(path, 'wx', 0o600));
  try {
    await attempt(place, 'write', path, () => handle.writeFile(text));
    await attempt(place, 'sync', path, () => handle.datasync());
  } catch (thrown) {
    await handle.close().catch(() => {});
    throw thrown;
  }
  await attempt(place, 'write', path, () => handle.close());
}

async function describePlace(place: Place, mode: number): Promise<Examined> {
  const { root } = place;
  const { bavail, bsize } = await attempt(place, 'look at', root, () => statfs(root));
  const freeBytes = bavail * bsize;
  const mount = await attempt(place, 'look at', root, () => mountOf(root));
  const soft = mount?.options.includes('soft') === true ? ', soft' : '';
  const where = mount && `at ${mount.point} (${mount.type} of ${mount.source}${soft})`;
  // Some file systems give all files one mode: a backup holds every secret of the cluster.
  const open =
    (mode & 0o077) === 0 ? undefined : 'OTHERS MAY READ its files: see the mount options';
  const parts = ['renames replace', 'folders sync', `${formatBytes(freeBytes)} free`, where, open];
  return { lines: [parts.filter((part) => part !== undefined).join(', ')], freeBytes };
}
