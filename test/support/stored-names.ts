/** The files of a backup in the folder of its cluster. */
import { parseBackupId, stemsOf } from '../../src/core/names.ts';

export function dataFile(id: string): string {
  return `${stemsOf(parseBackupId(id))[0]}.db`;
}

/** Sorted, as a folder lists them. */
export function filesOf(id: string): string[] {
  return [dataFile(id), `${id}.json`].toSorted();
}
