/**
 * The moment of a restore: the old data directory is moved aside, never deleted, and the new one
 * takes its place. Two names have to change, so a note on the disk tells what was meant; after a
 * kill in between, whoever comes next puts the old directory back.
 */
import { lstat, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Failure, systemCode } from '../core/errors.ts';
import { type Building, baseOf, buildingMark, syncFolder } from './building.ts';
import { datadirFailure } from './failure.ts';
import type { Place } from './place.ts';
import { openerOf } from './running.ts';

interface Note {
  readonly aside: string;
}

const asideMark = '.before-restore-';
const noteMark = '.restore-note';

/**
 * Returns where the old data is now; null when there was none. Whatever it throws, the old data is
 * in its place.
 */
export async function swapIn(building: Building, place: Place, now: Date): Promise<string | null> {
  const base = baseOf(place);
  const made = place.isMountPoint ? join(building.root, 'member') : building.root;
  try {
    const aside = isTaken(place) ? await freeName(`${base}${asideMark}${stampOf(now)}`) : null;
    if (aside !== null) {
      await writeNote(base, { aside });
      await rename(base, aside);
    }
    await putIn(made, base);
    // It is done; a note that stays says nothing as long as something is in the place.
    await removeNote(base).catch(() => undefined);
    return aside;
  } catch (error) {
    // The reason for it is the one to tell. What cannot be put back now is by the next restore.
    await putBack(base).catch(() => undefined);
    throw datadirFailure(error, `put the new data directory in the place of ${base}`);
  }
}

/**
 * Undoes a swap that was cut in two, removes what killed restores left, and tells what it did.
 * Throws `restore-refused` when what is left is that of a restore that lives.
 */
export async function recoverPlace(place: Place): Promise<string[]> {
  const base = baseOf(place);
  const folder = dirname(base);
  try {
    const names = await readdir(folder);
    const left = names.filter((name) => name.startsWith(basename(base) + buildingMark));
    for (const name of left) await requireDead(join(folder, name), place);
    const did = await putBack(base);
    for (const name of left) {
      await rm(join(folder, name), { recursive: true, force: true });
      did.push(`${join(folder, name)} removed, which a killed restore had left`);
    }
    return did;
  } catch (error) {
    throw datadirFailure(error, `clean up ${folder}`);
  }
}

async function requireDead(building: string, { dir }: Place): Promise<void> {
  const pid = await openerOf(building);
  if (pid === undefined) return;
  throw new Failure('restore-refused', `process ${pid} is restoring into ${dir} already`, {
    hint: 'Wait until it has ended.',
  });
}

function isTaken({ state, isMountPoint }: Place): boolean {
  // Of a mount point only `member` is exchanged; what else lies there stays.
  return isMountPoint ? state === 'member' : state === 'member' || state === 'foreign';
}

/** An empty folder gives way; one that has content by now does not. */
async function putIn(made: string, base: string): Promise<void> {
  await rename(made, base);
  try {
    await syncFolder(dirname(base));
  } catch (error) {
    await rename(base, made);
    throw error;
  }
}

/** Does nothing without a note. What was moved goes back unless something is in its place. */
async function putBack(base: string): Promise<string[]> {
  const note = await readNote(base);
  const did: string[] = [];
  if (note !== undefined && (await exists(note.aside))) {
    const isFree = await isAbsentOrEmpty(base);
    if (isFree) await rename(note.aside, base);
    did.push(
      isFree
        ? `${base} was put back, which a killed restore had moved aside`
        : `${note.aside} is what lay at ${base} before a killed restore`,
    );
  }
  await removeNote(base);
  return did;
}

/** A folder that is missing is soon made anew by what starts etcd. */
async function isAbsentOrEmpty(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length === 0;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return true;
    if (systemCode(error) === 'ENOTDIR') return false;
    throw error;
  }
}

/** Two restores of one second must not share a name. */
async function freeName(wanted: string): Promise<string> {
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? wanted : `${wanted}-${count}`;
    if (!(await exists(name))) return name;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

function stampOf(now: Date): string {
  return now.toISOString().replace(/[-:]|\.\d+/g, '');
}

async function writeNote(base: string, note: Note): Promise<void> {
  await writeFile(base + noteMark, JSON.stringify(note), { mode: 0o600, flush: true });
  await syncFolder(dirname(base));
}

async function readNote(base: string): Promise<Note | undefined> {
  try {
    const note: unknown = JSON.parse(await readFile(base + noteMark, 'utf8'));
    const aside = (note as Note | null)?.aside;
    return typeof aside === 'string' && aside.startsWith(base + asideMark) ? { aside } : undefined;
  } catch (error) {
    // A note that was cut off was written before anything was moved.
    if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function removeNote(base: string): Promise<void> {
  if (!(await exists(base + noteMark))) return;
  await rm(base + noteMark);
  await syncFolder(dirname(base));
}
