/**
 * Walking the folders of a file store in the order of object names. Names that are no object
 * names, symbolic links and special files are foreign: neither shown nor entered.
 */
import type { Dirent } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectName } from '../core/names.ts';
import { attempt, attemptTwice, isAbsent, type Place } from './file-failures.ts';
import { unfinishedPrefix } from './file-put.ts';
import type { ObjectFacts } from './port.ts';
import { isObjectName } from './requests.ts';

/** `path` is relative to the root. */
type Entry =
  | { readonly kind: 'object'; readonly path: ObjectName }
  | { readonly kind: 'unfinished'; readonly path: string };

/** Objects in `folder` (`''` is the root) whose first segment below it begins with `rest`. */
export async function* walkObjects(
  place: Place,
  folder: string,
  rest: string,
  signal: AbortSignal,
): AsyncGenerator<ObjectFacts, void, undefined> {
  for await (const entry of walk(place, folder, rest, signal)) {
    if (entry.kind !== 'object') continue;
    const facts = await factsOf(place, entry.path);
    if (facts !== undefined) yield facts;
  }
}

/** Undefined when nothing, or no plain file, has the name. */
export async function factsOf(place: Place, name: ObjectName): Promise<ObjectFacts | undefined> {
  const path = join(place.root, name);
  try {
    const facts = await attemptTwice(place, 'look at', path, () => lstat(path));
    if (!facts.isFile()) return undefined;
    // The time of the last change of the inode, not of the bytes: a linked spool file was written
    // before the put, and an orphan's grace must not begin before the put.
    return { name, sizeBytes: facts.size, modifiedAt: facts.ctime };
  } catch (thrown) {
    if (isAbsent(thrown)) return undefined;
    throw thrown;
  }
}

/** Removes what killed puts left, older than `olderThan`, except the paths in `spare`. */
export async function sweepUnfinished(
  place: Place,
  olderThan: Date,
  spare: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<number> {
  let removed = 0;
  for await (const entry of walk(place, '', '', signal)) {
    const path = join(place.root, entry.path);
    if (entry.kind !== 'unfinished' || spare.has(path)) continue;
    if (await removeIfOlder(place, path, olderThan)) removed += 1;
  }
  return removed;
}

async function removeIfOlder(place: Place, path: string, olderThan: Date): Promise<boolean> {
  try {
    const facts = await attempt(place, 'look at', path, () => lstat(path));
    if (facts.ctime >= olderThan) return false;
    await attempt(place, 'remove', path, () => rm(path));
    return true;
  } catch (thrown) {
    // Another process swept it, or finished the put.
    if (isAbsent(thrown)) return false;
    throw thrown;
  }
}

async function* walk(
  place: Place,
  folder: string,
  rest: string,
  signal: AbortSignal,
): AsyncGenerator<Entry, void, undefined> {
  signal.throwIfAborted();
  for (const entry of await entriesOf(place, folder)) {
    signal.throwIfAborted();
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isFile() && entry.name.startsWith(unfinishedPrefix)) {
      yield { path, kind: 'unfinished' };
    }
    if (!isObjectName(path) || !entry.name.startsWith(rest)) continue;
    if (entry.isDirectory()) yield* walk(place, path, '', signal);
    if (entry.isFile()) yield { path, kind: 'object' };
  }
}

async function entriesOf(place: Place, folder: string): Promise<Dirent[]> {
  const path = join(place.root, folder);
  try {
    const entries = await attemptTwice(place, 'list', path, () =>
      readdir(path, { withFileTypes: true }),
    );
    return entries.sort((left, right) => (sortKey(left) < sortKey(right) ? -1 : 1));
  } catch (thrown) {
    // Nothing was ever put under this prefix. (The root itself was checked before the walk.)
    if (folder !== '' && isAbsent(thrown)) return [];
    throw thrown;
  }
}

// `a-b` sorts before `a/c`, and `a` the folder after `a.b` the file, as in the sorted full names.
function sortKey(entry: Dirent): string {
  return entry.isDirectory() ? `${entry.name}/` : entry.name;
}
