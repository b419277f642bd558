/**
 * What turns the database of a snapshot into that of a member of a new cluster: other members, the
 * index and term of a new log, and, if asked for, a jump of the revision. The same content as the
 * official tool of etcd 3.5 and later writes; 3.4 reads it as well.
 */
import type { AppendedPages } from './append-pages.ts';
import { PageAppender } from './append-pages.ts';
import type { ByteSource } from './byte-source.ts';
import { bigEndian, memberJson, type NewCluster } from './new-cluster.ts';
import { decodeRevisionKey, encodeRevisionKey } from './revision-key.ts';

export interface RestoredAs {
  readonly cluster: NewCluster;
  /**
   * How far the revision jumps, with everything before marked as compacted; null for no jump.
   * Clients that watch must see revisions only grow.
   */
  readonly bumpRevision: bigint | null;
  readonly clearAlarms: boolean;
  /** Takes out what an older etcd would refuse: the storage version and the cluster version. */
  readonly forgetVersions: boolean;
}

/** The database must have been proved: a damaged one throws `snapshot-corrupt` at best. */
export function restoredDatabase(
  source: ByteSource,
  databaseBytes: number,
  as: RestoredAs,
): AppendedPages {
  const database = new PageAppender(source, databaseBytes);
  const { members } = as.cluster;
  database.setPairs(
    'members',
    members.map((member) => ({ key: text(member.id.toString(16)), value: memberJson(member) })),
  );
  database.setPairs('members_removed', []);
  database.setPairs('cluster', as.forgetVersions ? [] : database.pairs('cluster'));
  if (as.clearAlarms) database.setPairs('alarm', []);
  const meta = new Map(
    database.pairs('meta').map(({ key, value }) => [Buffer.from(key).toString('latin1'), value]),
  );
  meta.set('consistent_index', bigEndian(BigInt(members.length)));
  meta.set('term', bigEndian(1n));
  if (as.forgetVersions) meta.delete('storageVersion');
  if (as.bumpRevision !== null) {
    const bumped = newestRevision(database, meta) + as.bumpRevision;
    const key = encodeRevisionKey(bumped, 0n);
    database.addLast('key', { key, value: new Uint8Array(0) });
    meta.set('scheduledCompactRev', key);
  }
  database.setPairs(
    'meta',
    [...meta].map(([name, value]) => ({ key: text(name), value })),
  );
  return database.finish();
}

/** Compactions may lie above the last row. */
function newestRevision(database: PageAppender, meta: ReadonlyMap<string, Uint8Array>): bigint {
  const marks = ['scheduledCompactRev', 'finishedCompactRev'].map((name) => meta.get(name));
  const found = [database.lastKey('key'), ...marks].map((key) =>
    key === undefined ? undefined : decodeRevisionKey(key)?.main,
  );
  return found.reduce<bigint>((most, main = 1n) => (main > most ? main : most), 1n);
}

function text(value: string): Uint8Array {
  return Buffer.from(value, 'latin1');
}
