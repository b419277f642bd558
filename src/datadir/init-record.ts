/**
 * What an automatic start from a backup leaves behind: it happens once. Data that is gone later was
 * lost or removed, and an old backup in its place would hide that.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../core/errors.ts';
import { baseOf, syncFolder } from './building.ts';
import { datadirFailure } from './failure.ts';
import type { Place } from './place.ts';

/** Beside the data directory; inside of it where it is a mount point. */
export function initRecordPath(place: Place): string {
  return `${baseOf(place)}.init-record`;
}

/** What the record says, for people; undefined when there is none. */
export async function readInitRecord(place: Place): Promise<string | undefined> {
  const path = initRecordPath(place);
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw datadirFailure(error, `read ${path}`);
  }
}

export async function writeInitRecord(place: Place, text: string): Promise<void> {
  const path = initRecordPath(place);
  try {
    await writeFile(`${path}.new`, `${text}\n`, { mode: 0o600, flush: true });
    await rename(`${path}.new`, path);
    await syncFolder(dirname(path));
  } catch (error) {
    throw datadirFailure(error, `write ${path}`);
  }
}
