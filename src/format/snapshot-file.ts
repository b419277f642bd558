/**
 * The shape of a snapshot file: a whole bbolt database, and behind it the SHA-256 of it when the
 * file came from the snapshot stream. A database copied from a data directory has no trailer.
 */
import { fileFault } from './fault.ts';

export const trailerBytes = 32;

// The smallest page size of bbolt: a database is always a multiple of it. It is also how etcd's
// own tools tell whether a file ends with the digest.
export const sectorBytes = 512;

export interface SnapshotLayout {
  readonly databaseBytes: number;
  /** Equal to `databaseBytes`, or 32 more. */
  readonly sizeBytes: number;
}

export interface SnapshotDigests {
  /** Hex, of the bytes before the trailer. */
  readonly databaseSha256: string;
  /** Hex, of the file with its trailer. */
  readonly fileSha256: string;
  readonly trailer: 'matches' | 'differs' | 'absent';
}

export function snapshotLayout(sizeBytes: number): SnapshotLayout {
  if (sizeBytes === 0) throw fileFault('the file is empty');
  const rest = sizeBytes % sectorBytes;
  if (rest !== 0 && rest !== trailerBytes) {
    throw fileFault(
      `the file has ${sizeBytes} bytes: neither a database nor a database with its digest`,
      { sizeBytes },
    );
  }
  return { databaseBytes: sizeBytes - rest, sizeBytes };
}
