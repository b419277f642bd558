/**
 * The buckets beside `key`: members, leases, alarms, users, and what etcd notes about itself. Each
 * value is checked as etcd would read it at its start; what etcd would panic on is a fault.
 */
import { type MemberId, memberId } from '../core/backup.ts';
import type { Failure } from '../core/errors.ts';
import { parseDowngrade, parseMember } from './cluster-json.ts';
import { fileFault } from './fault.ts';
import { decodeFields } from './protobuf.ts';
import { decodeRevisionKey } from './revision-key.ts';
import type { ClusterFacts, FoundAlarm, FoundLease, FoundMember } from './snapshot-facts.ts';

/** One pair of a bucket. The value is read only when it is asked for. */
export interface BucketPair {
  readonly page: number;
  readonly key: Uint8Array;
  value(): Uint8Array;
}

// Lists are for people; counts stay exact beyond them.
const listedLeases = 1000;
const listedNames = 10_000;
const alarmKinds: Readonly<Record<string, 'NOSPACE' | 'CORRUPT'>> = { 1: 'NOSPACE', 2: 'CORRUPT' };

export class ClusterBuckets {
  #members: FoundMember[] = [];
  #removedMembers: MemberId[] = [];
  #alarms: FoundAlarm[] = [];
  #leases: FoundLease[] = [];
  #leaseCount = 0;
  #users: string[] = [];
  #roles: string[] = [];
  #auth = { enabled: false, revision: 0n };
  #meta: Pick<ClusterFacts, 'storageVersion' | 'clusterVersion' | 'downgrade'> = {
    storageVersion: null,
    clusterVersion: null,
    downgrade: null,
  };
  #consistentIndex: bigint | null = null;
  #term: bigint | null = null;
  /** Main revisions of the two compaction marks. */
  readonly compactions: bigint[] = [];

  take(bucket: string, pair: BucketPair): void {
    if (bucket === 'meta') this.#takeMeta(pair);
    else if (bucket === 'cluster') this.#takeCluster(pair);
    else if (bucket === 'members') list(this.#members, readMember(pair));
    else if (bucket === 'members_removed') list(this.#removedMembers, readMemberKey(bucket, pair));
    else if (bucket === 'alarm') list(this.#alarms, readAlarm(pair));
    else if (bucket === 'lease') this.#takeLease(pair);
    else if (bucket === 'auth') this.#takeAuth(pair);
    else if (bucket === 'authUsers') list(this.#users, textOf(pair.key));
    else if (bucket === 'authRoles') list(this.#roles, textOf(pair.key));
  }

  facts(): ClusterFacts {
    return {
      members: this.#members,
      removedMembers: this.#removedMembers,
      alarms: this.#alarms,
      leases: { count: this.#leaseCount, first: this.#leases },
      auth: { ...this.#auth, users: this.#users, roles: this.#roles },
      ...this.#meta,
      consistentIndex: this.#consistentIndex,
      term: this.#term,
    };
  }

  #takeMeta(pair: BucketPair): void {
    const name = textOf(pair.key);
    if (name === 'consistent_index') this.#consistentIndex = readNumber('meta', pair);
    else if (name === 'term') this.#term = readNumber('meta', pair);
    else if (name === 'storageVersion') {
      this.#meta = { ...this.#meta, storageVersion: textOf(pair.value()) };
    } else if (name === 'scheduledCompactRev' || name === 'finishedCompactRev') {
      const mark = decodeRevisionKey(pair.value());
      if (mark === undefined) throw pairFault('meta', pair, 'is no revision');
      this.compactions.push(mark.main);
    }
  }

  #takeCluster(pair: BucketPair): void {
    const name = textOf(pair.key);
    if (name === 'clusterVersion') {
      this.#meta = { ...this.#meta, clusterVersion: textOf(pair.value()) };
    } else if (name === 'downgrade') {
      const downgrade = parseDowngrade(pair.value());
      if (downgrade === undefined) throw pairFault('cluster', pair, 'is no downgrade state');
      this.#meta = { ...this.#meta, downgrade };
    }
  }

  #takeAuth(pair: BucketPair): void {
    const name = textOf(pair.key);
    if (name === 'authRevision') this.#auth.revision = readNumber('auth', pair);
    if (name === 'authEnabled') this.#auth.enabled = pair.value()[0] === 1;
  }

  #takeLease(pair: BucketPair): void {
    const fields = decodeFields(pair.value());
    if (fields === undefined) throw pairFault('lease', pair, 'is no lease');
    this.#leaseCount++;
    if (this.#leases.length === listedLeases) return;
    const number = (field: number): bigint =>
      BigInt.asIntN(64, fields.findLast((found) => found.number === field)?.value ?? 0n);
    this.#leases.push({
      id: BigInt.asUintN(64, number(1)).toString(16).padStart(16, '0'),
      ttlSeconds: number(2),
      remainingSeconds: number(3),
    });
  }
}

function list<T>(found: T[], entry: T): void {
  if (found.length < listedNames) found.push(entry);
}

function readMember(pair: BucketPair): FoundMember {
  const id = readMemberKey('members', pair);
  const json = parseMember(pair.value());
  if (json === undefined) throw pairFault('members', pair, 'is no member');
  const { id: ownId, ...member } = json;
  if (ownId !== undefined && ownId !== BigInt(`0x${id}`)) {
    throw pairFault('members', pair, `calls itself ${ownId.toString(16)}`);
  }
  return { id, ...member };
}

function readMemberKey(bucket: string, pair: BucketPair): MemberId {
  const text = textOf(pair.key);
  if (!/^[0-9a-f]{1,16}$/.test(text)) throw pairFault(bucket, pair, 'has no member id as its key');
  return memberId(text);
}

function readAlarm(pair: BucketPair): FoundAlarm {
  const fields = decodeFields(pair.key);
  if (fields === undefined) throw pairFault('alarm', pair, 'is no alarm');
  const number = (field: number): bigint =>
    fields.findLast((found) => found.number === field)?.value ?? 0n;
  const kind = Number(number(2));
  return { member: memberId(number(1)), kind: alarmKinds[kind] ?? kind };
}

function readNumber(bucket: string, pair: BucketPair): bigint {
  const value = pair.value();
  if (value.length !== 8) throw pairFault(bucket, pair, `has ${value.length} bytes instead of 8`);
  return new DataView(value.buffer, value.byteOffset, 8).getBigUint64(0);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function pairFault(bucket: string, pair: BucketPair, reason: string): Failure {
  const shown = JSON.stringify(textOf(pair.key.subarray(0, 64)));
  return fileFault(`page ${pair.page}: bucket "${bucket}": ${shown} ${reason}`, {
    page: pair.page,
    bucket,
  });
}
