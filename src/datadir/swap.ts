/**
 * The moment of a restore: the old data directory is moved aside, never deleted, and the new one
 * takes its place. Two names have to change, so a note on the disk tells what was meant; after a
 * kill in between, whoever comes next puts the old directory back.
 */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemCode } from '../core/errors.ts';
import { type Building, baseOf, buildingMark, syncFolder } from './building.ts';
import { datadirFailure } from './failure.ts';
import type { Place } from './place.ts';

interface Note {
  readonly aside: string;
}

const asideMark = '.before-restore-';
const noteMark = '.restore-note';

/** Returns where the old data is now; null when there was none. */
export async function swapIn(building: Building, place: Place, now: Date): Promise<string | null> {
  const base = baseOf(place);
  const made = place.isMountPoint ? join(building.root, 'member') : building.root;
  const aside = isTaken(place) ? `${base}${asideMark}${stampOf(now)}` : null;
  try {
    if (aside !== null) {
      await writeNote(base, { aside });
      await rename(base, aside);
    } else if (place.state === 'empty' && !place.isMountPoint) {
      await rm(base, { recursive: true });
    }
    await putIn(made, base, aside);
    await removeNote(base);
  } catch (error) {
    throw datadirFailure(error, `put the new data directory in the place of ${base}`);
  }
  return aside;
}

/** Undoes a swap that was cut in two, removes what killed restores left, and tells what it did. */
export async function recoverPlace(place: Place): Promise<string[]> {
  const base = baseOf(place);
  const folder = dirname(base);
  const did: string[] = [];
  try {
    const note = await readNote(base);
    const names = await readdir(folder);
    if (note !== undefined) {
      const isHalf = names.includes(basename(note.aside)) && !names.includes(basename(base));
      if (isHalf) {
        await rename(note.aside, base);
        did.push(`${base} was put back, which a killed restore had moved aside`);
      }
      await removeNote(base);
    }
    for (const name of names.filter((each) => each.startsWith(basename(base) + buildingMark))) {
      await rm(join(folder, name), { recursive: true, force: true });
      did.push(`${join(folder, name)} removed, which a killed restore had left`);
    }
    return did;
  } catch (error) {
    throw datadirFailure(error, `clean up ${folder}`);
  }
}

function isTaken({ state, isMountPoint }: Place): boolean {
  // Of a mount point only `member` is exchanged; what else lies there stays.
  return isMountPoint ? state === 'member' : state === 'member' || state === 'foreign';
}

async function putIn(made: string, base: string, aside: string | null): Promise<void> {
  try {
    await rename(made, base);
    await syncFolder(dirname(base));
  } catch (error) {
    if (aside !== null) await rename(aside, base);
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
  await rm(base + noteMark, { force: true });
  await syncFolder(dirname(base));
}
