/**
 * One member of a fake cluster: the entries of the log that it has applied, and what follows from
 * them. Its database is a true bbolt file of its own rows, its hash the hash of its own rows.
 */

import type { ContentHash, Member, SnapshotMessage } from '../../src/cluster/port.ts';
import type { MemberId } from '../../src/core/backup.ts';
import { revision } from '../../src/core/backup.ts';
import { Failure } from '../../src/core/errors.ts';
import { clusterBuckets } from '../unit/format/cluster-bytes.ts';
import {
  type Change,
  compact,
  type HistoryRow,
  hashKvOf,
  historyOf,
  pairsOf,
} from '../unit/format/history.ts';
import { type TestPair, withTrailer, writeBbolt } from './bbolt.ts';

export type LogEntry = { readonly write: readonly Change[] } | { readonly compact: bigint };

/** What goes wrong with a snapshot stream. Bytes are those of the file, trailer included. */
export type StreamFault =
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'wrong-trailer' }
  /** A page that no bbolt would write, under a trailer that is right all the same. */
  | { readonly kind: 'unsound' }
  /** What the member held so many entries of the log ago. */
  | { readonly kind: 'stale'; readonly entries: number }
  | { readonly kind: 'breaks'; readonly afterBytes: number }
  | { readonly kind: 'stalls'; readonly afterBytes: number }
  | { readonly kind: 'empty' };

/** Settings of a member, to be changed at any time. */
export interface FakeMember {
  readonly id: MemberId;
  readonly name: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly learner: boolean;
  /** Answers nothing and applies nothing. */
  down: boolean;
  /** Entries of the log that it has not applied yet. */
  lag: number;
  /** Its first write is not what was written. */
  diverged: boolean;
  stream: StreamFault | undefined;
}

export interface MemberState {
  readonly revision: bigint;
  readonly compactRevision: bigint | undefined;
  /** What is left in the file. */
  readonly rows: readonly HistoryRow[];
}

/** etcd's own, so that a small database takes more than one message. */
const blobBytes = 32 * 1024;

export function stateAfter(log: readonly LogEntry[], diverged: boolean): MemberState {
  const writes = log.flatMap((entry) => ('write' in entry ? [entry.write] : []));
  const compactions = log.flatMap((entry) => ('compact' in entry ? [entry.compact] : []));
  const compactRevision = compactions.at(-1);
  const history = historyOf(diverged ? corrupted(writes) : writes);
  const rows = compactRevision === undefined ? history : compact(history, compactRevision);
  return { revision: BigInt(writes.length + 1), compactRevision, rows };
}

/** The same history with other values in its first write. */
function corrupted(writes: readonly (readonly Change[])[]): (readonly Change[])[] {
  const damaged = (change: Change): Change =>
    'put' in change ? { ...change, value: `${change.value}?` } : change;
  return writes.map((changes, at) => (at === 0 ? changes.map(damaged) : changes));
}

export function hashOf(state: MemberState, at: bigint): ContentHash {
  const { compactRevision } = state;
  if (at > state.revision) {
    throw new Failure('revision-unavailable', `the member has not reached revision ${at} yet`);
  }
  if (compactRevision !== undefined && at < compactRevision) {
    throw new Failure('revision-unavailable', `the member has compacted revision ${at} away`);
  }
  return {
    hash: hashKvOf(state.rows, at, compactRevision ?? null),
    compactRevision: compactRevision === undefined ? undefined : revision(compactRevision),
  };
}

export function databaseOf(state: MemberState, members: readonly FakeMember[]): Buffer {
  const { compactRevision, rows } = state;
  const marks =
    compactRevision === undefined ? {} : { scheduled: compactRevision, finished: compactRevision };
  const listed = members
    .map((member): TestPair => [member.id, memberJson(member)])
    .sort(([left], [right]) => (left < right ? -1 : 1));
  return writeBbolt({ ...clusterBuckets(marks), members: listed, key: pairsOf(rows) }).bytes;
}

/** The id is a bare number of 64 bits in etcd's JSON, which no JavaScript number can hold. */
function memberJson({ id, name, peerUrl, learner }: FakeMember): string {
  const rest = JSON.stringify({ peerURLs: [peerUrl], name, isLearner: learner });
  return `{"id":${BigInt(`0x${id}`)},${rest.slice(1)}`;
}

/** The file as the member streams it, with whatever is wrong about its content. */
export function snapshotOf(database: Buffer, fault: StreamFault | undefined): Buffer {
  if (fault?.kind === 'unsound') return withTrailer(withoutPageKinds(database));
  const file = withTrailer(database);
  if (fault?.kind === 'wrong-trailer') file[file.length - 1] = (file.at(-1) as number) ^ 1;
  return file;
}

function withoutPageKinds(database: Buffer): Buffer {
  const damaged = Buffer.from(database);
  for (let page = 2 * 4096; page < damaged.length; page += 4096) damaged.writeUInt16LE(0, page + 8);
  return damaged;
}

/** The messages of a stream that goes well, or until it ends as its fault says. */
export async function* streamOf(
  file: Buffer,
  fault: StreamFault | undefined,
  signal: AbortSignal,
): AsyncGenerator<SnapshotMessage, void, undefined> {
  if (fault?.kind === 'empty') return;
  const databaseBytes = file.length - 32;
  for (let at = 0; at < file.length; ) {
    const end = at < databaseBytes ? Math.min(at + blobBytes, databaseBytes) : file.length;
    if (fault?.kind === 'breaks' && end > fault.afterBytes) {
      throw new Failure('stream-broken', 'the connection ended before its answer did');
    }
    if (fault?.kind === 'stalls' && end > fault.afterBytes) await untilAborted(signal);
    const blob = file.subarray(at, end);
    const middle = Math.floor(blob.length / 2);
    yield {
      remainingBytes: Math.max(databaseBytes - end, 0),
      blob: [blob.subarray(0, middle), blob.subarray(middle)],
      blobBytes: blob.length,
      version: undefined,
    };
    at = end;
    signal.throwIfAborted();
  }
}

export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** How the cluster lists a member, without the answer that it gives of itself. */
export function listed(member: FakeMember): Omit<Member, 'status'> {
  const { id, name, clientUrl, peerUrl, learner } = member;
  return { id, name, learner, clientUrls: [clientUrl], peerUrls: [peerUrl], endpoint: clientUrl };
}
