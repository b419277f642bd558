/** Snapshot files with a known content, smaller and larger than the ring of a spool file. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspectSnapshot } from '../../../src/format/inspect-snapshot.ts';
import type { SpoolFile } from '../../../src/spool/file.ts';
import { ringBytes } from '../../../src/spool/ring.ts';
import { memorySource, withTrailer, writeBbolt } from '../../support/bbolt.ts';
import { clusterBuckets } from '../format/cluster-bytes.ts';
import { type Change, historyOf, pairsOf } from '../format/history.ts';
import type { Folder } from './disks.ts';

export const pageSize = 4096;

/** A history in which keys come back, and some are removed. */
export function writes(count: number, valueBytes: number, odd = ''): Change[][] {
  return Array.from({ length: count }, (_, at) => [
    at % 9 === 8
      ? { remove: `key-${at % 50}` }
      : { put: `key-${at % 50}`, value: `${at}${odd}`.padEnd(valueBytes, 'v') },
  ]);
}

export function databaseOf(changes: readonly (readonly Change[])[]) {
  const buckets = { ...clusterBuckets(), key: pairsOf(historyOf(changes)) };
  return writeBbolt(buckets, { shuffleSeed: 3 });
}

export const small = databaseOf(writes(400, 60));
export const smallFile = withTrailer(small.bytes);
/** More than two laps of a spool file's ring. */
export const largeFile = withTrailer(databaseOf(writes(2 * (ringBytes / 20_000), 24_000)).bytes);

/** What a proof must find, by a scan of the whole file in memory. */
export function expected(file: Buffer) {
  return {
    facts: inspectSnapshot(memorySource(file)).facts,
    digests: {
      databaseSha256: sha256(file.subarray(0, -32)),
      fileSha256: sha256(file),
      trailer: 'matches',
    },
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function placed(place: Folder, bytes: Uint8Array): string {
  const path = join(place.path, 'snapshot');
  writeFileSync(path, bytes);
  return path;
}

export async function appendAll(file: SpoolFile, bytes: Buffer, pieceBytes: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    await file.append([bytes.subarray(at, at + pieceBytes)]);
  }
  await file.flush();
}
