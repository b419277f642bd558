/**
 * Putting an object into a directory so that no crash shows half of it: write beside, sync the
 * file, rename, sync the folders. Until the rename, the bytes have a name that no object can have.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, link, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../core/errors.ts';
import { checkedBody, wholeSize, wrongSize } from './body.ts';
import { attempt, isTaken, type Place } from './file-failures.ts';
import { bequeath, type Heir, heirOf } from './file-heir.ts';
import type { Body, PutFacts, PutOptions } from './port.ts';

// `~` cannot occur in an object name, so an unfinished put can neither be listed nor be asked for.
export const unfinishedPrefix = '~etcd-backupd-put-';

/**
 * Left to the end, gigabytes would wait in memory that etcd needs, and their sync on a slow disk
 * would look like one that hangs.
 */
const syncEveryBytes = 32 * 1024 * 1024;

interface Target extends Place {
  /** Paths of puts under way, which a sweep of this process leaves alone. */
  readonly unfinished: Set<string>;
}

/**
 * Once the rename is done the object is visible. Only a failed sync of a folder after it (a dying
 * disk) reports a put as failed that a reader may see; its bytes are whole and synced even then.
 */
export async function putFile(
  target: Target,
  object: string,
  body: Body,
  { signal, onlyNew = false }: PutOptions,
): Promise<PutFacts> {
  const path = join(target.root, object);
  const heir = await attempt(target, 'look at', target.root, () => heirOf(target.root));
  await makeFolders(target, object, heir);
  const beside = join(dirname(path), `${unfinishedPrefix}${randomBytes(8).toString('hex')}`);
  target.unfinished.add(beside);
  let linked = false;
  try {
    // What is new has a file of its own, by which its name is known to be ours.
    linked = !onlyNew && (await linkBody(target, beside, object, body, signal));
    if (!linked) await writeBody(target, beside, object, body, signal);
    signal.throwIfAborted();
    await bequeath(beside, heir);
    const place = () => (onlyNew ? linkNew(beside, path) : rename(beside, path));
    await attempt(target, 'write', path, place);
  } finally {
    // Also after success: renaming one hard link of a file over another of the same file succeeds,
    // does nothing, and leaves both names. That is what putting a spool file twice looks like.
    await rm(beside, { force: true }).catch(() => {});
    target.unfinished.delete(beside);
  }
  await syncFolders(target, object);
  return { compared: linked ? 'same-file' : 'nothing' };
}

/** Unlike a rename, a link replaces nothing. */
async function linkNew(beside: string, path: string): Promise<void> {
  try {
    await link(beside, path);
  } catch (thrown) {
    const found = await lstat(path).catch(() => undefined);
    // NFS may lose the answer, ask again, and then find what it made itself.
    if (isTaken(thrown) && found?.ino === (await lstat(beside)).ino) return;
    if (!noLinks.has(systemCode(thrown) ?? '')) throw thrown;
    // A file system without links: looking first leaves a moment, and is all that it allows.
    if (found !== undefined) throw Object.assign(new Error('file exists'), { code: 'EEXIST' });
    await rename(beside, path);
  }
}

const noLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/**
 * Links to the file behind the body, if it has one and the file system allows, and waits until it
 * is whole and synced, as the body promises. It stays shared with its owner: who changes it in
 * place changes the backup, so the owner may only remove its own name of it.
 */
async function linkBody(
  target: Target,
  beside: string,
  object: string,
  body: Body,
  signal: AbortSignal,
): Promise<boolean> {
  const { file } = body;
  if (file === undefined) return false;
  try {
    await link(file, beside);
  } catch {
    // Another file system, no links there, too many links, not ours to link: the link is only a
    // short cut, and copying either works or tells the true reason.
    return false;
  }
  const look = () => attempt(target, 'look at', beside, () => lstat(beside));
  const found = await look();
  // A symbolic link, or a file that others may read or write: make a private copy instead.
  if (!found.isFile() || (found.mode & 0o077) !== 0) {
    await attempt(target, 'remove', beside, () => rm(beside, { force: true }));
    return false;
  }
  const promised = await wholeSize(body, signal);
  const { size } = await look();
  if (size !== promised) throw wrongSize(object, promised, String(size));
  return true;
}

async function writeBody(
  target: Target,
  beside: string,
  object: string,
  body: Body,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const handle = await attempt(target, 'write', beside, () => open(beside, 'wx', 0o600));
  let unsyncedBytes = 0;
  try {
    for await (const chunk of checkedBody(body, object, signal)) {
      await attempt(target, 'write', beside, () => writeWhole(handle, chunk));
      unsyncedBytes += chunk.byteLength;
      if (unsyncedBytes < syncEveryBytes) continue;
      unsyncedBytes = 0;
      await attempt(target, 'sync', beside, () => handle.datasync());
    }
    await attempt(target, 'sync', beside, () => handle.datasync());
  } catch (thrown) {
    await handle.close().catch(() => {});
    throw thrown;
  }
  // NFS may tell of a full disk only here.
  await attempt(target, 'write', beside, () => handle.close());
}

async function writeWhole(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.byteLength; ) {
    const { bytesWritten } = await handle.write(chunk, at, chunk.byteLength - at);
    at += bytesWritten;
  }
}

// One level at a time below the root: a recursive mkdir would make a vanished root again.
async function makeFolders(target: Target, object: string, heir: Heir | undefined): Promise<void> {
  for (const folder of foldersOf(target.root, object).slice(1)) {
    await attempt(target, 'make', folder, async () => {
      try {
        await mkdir(folder, { mode: 0o700 });
        await bequeath(folder, heir);
      } catch (thrown) {
        if (systemCode(thrown) !== 'EEXIST') throw thrown;
      }
    });
  }
}

// Every folder up to the root, also those that were there: another process may have made one a
// moment ago and not have synced its parent yet, and our object must not vanish with it.
async function syncFolders(target: Target, object: string): Promise<void> {
  for (const folder of foldersOf(target.root, object).reverse()) {
    await attempt(target, 'sync', folder, () => syncFolder(folder));
  }
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function foldersOf(root: string, object: string): string[] {
  const folders = [root];
  for (const segment of object.split('/').slice(0, -1)) {
    folders.push(join(folders.at(-1) ?? root, segment));
  }
  return folders;
}
