/**
 * The proof `sound`: from the meta page through every bucket, in key order, so that the result is
 * also the official status hash. Throws at the first fault of anything reachable.
 */
import { revision } from '../core/backup.ts';
import { type Bucket, listBuckets, type Tree, walkBucket } from './buckets.ts';
import { ClusterBuckets } from './cluster-buckets.ts';
import { Crc32cJoin, crc32c } from './crc32c.ts';
import { type DatabaseReader, viewBytes } from './database-reader.ts';
import { pageFault } from './fault.ts';
import { checkFreelist } from './freelist.ts';
import { KeyBucketVisitor, type StatusSum } from './key-bucket.ts';
import { Keyspace } from './keyspace.ts';
import { type Pair, pairsOf } from './leaf.ts';
import type { Meta } from './meta.ts';
import { newestRows } from './newest-rows.ts';
import type { Page } from './page.ts';
import type { PageScan } from './page-scan.ts';
import type { SnapshotFacts } from './snapshot-facts.ts';
import { ReachedPages, walkTree } from './walk.ts';

export interface ProvedDatabase {
  readonly facts: SnapshotFacts;
  readonly keyspace: Keyspace;
}

export function proveDatabase(
  reader: DatabaseReader,
  meta: Meta,
  scanned: { readonly scan: PageScan; readonly keyLimit: number },
): ProvedDatabase {
  const geometry = { pageSize: meta.pageSize, pageCount: meta.pageCount };
  const tree = { reader, geometry, reached: new ReachedPages(geometry) };
  const keyspace = new Keyspace(reader, geometry, scanned);
  const cluster = new ClusterBuckets();
  const { statusHash, rows } = proveBuckets(tree, meta.rootPage, { keyspace, cluster });
  if (meta.freelistPage !== undefined) checkFreelist(tree, meta.freelistPage);
  keyspace.settle(cluster.compactions);
  const { compactRevision } = keyspace;
  const range = {
    visible: keyspace.totalRows,
    compacted: keyspace.countRowsThrough(compactRevision ?? -1n),
  };
  const facts = {
    pageSize: meta.pageSize,
    databaseBytes: meta.pageCount * meta.pageSize,
    txid: meta.txid,
    revision: revision(keyspace.lastRevision),
    currentRevision: revision(keyspace.currentRevision),
    compactRevision: compactRevision === null ? null : revision(compactRevision),
    statusHash,
    totalRows: rows.reduce((sum, bucket) => sum + bucket.rows, 0),
    keys: newestRows(keyspace, range).liveKeys,
    buckets: rows,
    ...cluster.facts(),
  };
  return { facts, keyspace };
}

function proveBuckets(
  tree: Tree,
  rootPage: number,
  into: { readonly keyspace: Keyspace; readonly cluster: ClusterBuckets },
) {
  const crcs = new Crc32cJoin();
  const rows: { name: string; rows: number }[] = [];
  let statusHash = 0;
  for (const bucket of listBuckets(tree, rootPage)) {
    const before = crc32c(bucket.nameBytes, statusHash);
    const proved =
      bucket.name === 'key'
        ? proveKeyBucket(tree, bucket, into.keyspace, { crcs, sum: before })
        : proveSmallBucket(tree, bucket, into.cluster, before);
    statusHash = proved.sum;
    rows.push({ name: bucket.name, rows: proved.rows });
  }
  return { statusHash, rows };
}

function proveKeyBucket(tree: Tree, bucket: Bucket, keyspace: Keyspace, sum: StatusSum) {
  const visitor = new KeyBucketVisitor(keyspace, sum);
  if (typeof bucket.root === 'number') walkTree(tree, bucket.root, visitor);
  else visitor.inlineLeaf(bucket.root);
  return { sum: visitor.sum, rows: keyspace.totalRows };
}

function proveSmallBucket(tree: Tree, bucket: Bucket, cluster: ClusterBuckets, before: number) {
  const { reader } = tree;
  let sum = before;
  let rows = 0;
  walkBucket(tree, bucket, (page, bounds) => {
    for (const pair of pairsOf(reader, page, bounds)) {
      if (pair.isBucket) throw nested(bucket, page);
      sum = reader.crc(pair.start, pair.key.length + pair.valueBytes, sum);
      rows++;
      const value = () => readValue(reader, bucket, page, pair);
      cluster.take(bucket.name, { page: page.page, key: pair.key, value });
    }
  });
  return { sum, rows };
}

function readValue(reader: DatabaseReader, bucket: Bucket, page: Page, pair: Pair): Uint8Array {
  const { valueStart, valueBytes } = pair;
  if (valueBytes > viewBytes) {
    const reason = `bucket "${bucket.name}" has a value of ${valueBytes} bytes`;
    throw pageFault(page.page, reason, { index: pair.index });
  }
  return valueBytes === 0 ? new Uint8Array(0) : reader.bytes(valueStart, valueBytes).slice();
}

function nested(bucket: Bucket, page: Page) {
  const reason = `bucket "${bucket.name}" holds another bucket, which etcd never writes`;
  return pageFault(page.page, reason);
}
