/** The buckets beside `key`, as a small cluster of etcd 3.5 has them. */
import type { TestPair } from '../../support/bbolt.ts';
import { keyValue, revisionKey } from './history.ts';

export type Buckets = Record<string, TestPair[]>;

export const memberHex = '8e9e05c52164694d';
export const member =
  '{"id":10276657743932975437,"peerURLs":["http://127.0.0.1:2380"],"name":"m1"}';

/** Sorted by key, as the writer needs it. */
export function clusterBuckets(marks: { scheduled?: bigint; finished?: bigint } = {}): Buckets {
  return {
    alarm: [],
    auth: [['authRevision', bigEndian(1n)]],
    authRoles: [],
    authUsers: [],
    cluster: [['clusterVersion', '3.5.0']],
    lease: [],
    members: [[memberHex, member]],
    members_removed: [],
    meta: [
      ['confState', '{"voters":[10276657743932975437],"auto_leave":false}'],
      ['consistent_index', bigEndian(42n)],
      ...mark('finishedCompactRev', marks.finished),
      ...mark('scheduledCompactRev', marks.scheduled),
      ['term', bigEndian(3n)],
    ],
  };
}

function mark(name: string, revision: bigint | undefined): TestPair[] {
  return revision === undefined ? [] : [[name, revisionKey(revision, 0n)]];
}

export function bigEndian(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

export function leasePair(id: bigint, ttl: bigint): TestPair {
  return [
    bigEndian(id),
    keyValue([
      [1, id],
      [2, ttl],
    ]),
  ];
}
