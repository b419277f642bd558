/**
 * A cluster in memory behind the port of real ones: members that apply one log, a leader while a
 * quorum is up, true snapshots and true hashes. Faults are settings of a member. It passes the same
 * contract as the adapter of a real etcd.
 */
import type {
  Alarm,
  Cluster,
  ContentHash,
  Member,
  MemberStatus,
  SnapshotMessage,
  Survey,
} from '../../src/cluster/port.ts';
import { clusterId, memberId, type Revision, revision } from '../../src/core/backup.ts';
import { Failure } from '../../src/core/errors.ts';
import type { Change } from '../unit/format/history.ts';
import {
  databaseOf,
  type FakeMember,
  hashOf,
  type LogEntry,
  listed,
  type MemberState,
  snapshotOf,
  stateAfter,
  streamOf,
} from './fake-member.ts';

export type { FakeMember } from './fake-member.ts';

export interface FakeCall {
  readonly method: 'survey' | 'confirmedRevision' | 'snapshot' | 'hashKv';
  /** Empty for a survey. */
  readonly member: string;
}

interface Limits {
  readonly signal: AbortSignal;
}

/** No two clusters have one id. */
let made = 0n;

export class FakeCluster implements Cluster {
  readonly id = clusterId(BigInt.asUintN(64, 0xcdf818194e3a8c32n + made));
  /** Raised by whoever sets it. */
  alarms: readonly Alarm[] = [];
  /** Every call so far, also those that failed. */
  readonly calls: FakeCall[] = [];
  /** Told of each call when it begins, before the member answers. */
  onCall: (call: FakeCall) => void = () => undefined;
  readonly #members: FakeMember[] = [];
  readonly #log: LogEntry[] = [];

  /** Members m1, m2, ...; the first that is up leads. */
  constructor(members = 3) {
    made += 1n;
    for (let at = 1; at <= members; at += 1) this.add(`m${at}`);
  }

  get members(): readonly FakeMember[] {
    return this.#members;
  }

  member(name: string): FakeMember {
    const found = this.#members.find((member) => member.name === name);
    if (found === undefined) throw new Error(`no member ${name}`);
    return found;
  }

  add(name: string, { learner = false } = {}): FakeMember {
    const at = this.#members.length + 1;
    // Above 2^63, where a signed number would show.
    const id = memberId(0x8e9e05c521646940n + BigInt(at));
    const urls = { clientUrl: `http://${name}:2379`, peerUrl: `http://${name}:2380` };
    const faults = { down: false, lag: 0, diverged: false, stream: undefined };
    const member: FakeMember = { id, name, learner, ...urls, ...faults };
    this.#members.push(member);
    return member;
  }

  /** One transaction, which is one revision. */
  write(...changes: Change[]): void {
    this.#append({ write: changes });
  }

  compact(at: bigint): void {
    this.#append({ compact: at });
  }

  /** The revision of the last write, whoever has applied it. */
  get newest(): Revision {
    return revision(stateAfter(this.#log, false).revision);
  }

  /** Undefined without a quorum. */
  get leader(): FakeMember | undefined {
    const voters = this.#members.filter(({ learner }) => !learner);
    const up = voters.filter(({ down }) => !down);
    return up.length * 2 > voters.length ? up[0] : undefined;
  }

  async survey({ signal }: Limits): Promise<Survey> {
    await this.#begin({ method: 'survey', member: '' }, signal);
    if (this.#members.every(({ down }) => down)) {
      throw new Failure('cluster-unreachable', 'no endpoint answers');
    }
    const members = this.#members.map((member): Member => {
      const status = member.down ? refused(member.clientUrl) : this.#statusOf(member);
      return { ...listed(member), status };
    });
    // Asking for alarms is an entry of the log, so it takes a quorum.
    const unknown = new Failure('cluster-unreachable', 'no voter could be asked for alarms');
    return { clusterId: this.id, members, alarms: this.leader ? this.alarms : unknown };
  }

  async confirmedRevision(asked: Member, { signal }: Limits): Promise<Revision> {
    const member = await this.#reach('confirmedRevision', asked, signal);
    if (this.leader === undefined) {
      throw new Failure('cluster-unreachable', `${member.name}: the cluster has no leader now`);
    }
    if (member.lag > 0) {
      throw new Failure('cluster-unreachable', `${member.name}: no answer, it lags behind`);
    }
    return revision(this.#stateOf(member).revision);
  }

  async *snapshot(
    asked: Member,
    { signal }: Limits,
  ): AsyncGenerator<SnapshotMessage, void, undefined> {
    const member = await this.#reach('snapshot', asked, signal);
    const { stream } = member;
    if (stream?.kind === 'refused') throw stream.failure;
    const state = this.#stateOf(member, stream?.kind === 'stale' ? stream.entries : 0);
    yield* streamOf(snapshotOf(databaseOf(state, this.#members), stream), stream, signal);
  }

  async hashKv(asked: Member, at: Revision, { signal }: Limits): Promise<ContentHash> {
    const member = await this.#reach('hashKv', asked, signal);
    return hashOf(this.#stateOf(member), at);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is held between calls.
  }

  #append(entry: LogEntry): void {
    if (this.leader === undefined) throw new Error('without a quorum nothing is written');
    this.#log.push(entry);
    for (const member of this.#members) if (member.down) member.lag += 1;
  }

  /** Everything goes on in later turns of the loop, as it would over a network. */
  async #begin(call: FakeCall, signal: AbortSignal): Promise<void> {
    this.calls.push(call);
    this.onCall(call);
    signal.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
  }

  async #reach(
    method: FakeCall['method'],
    { name, endpoint }: Member,
    signal: AbortSignal,
  ): Promise<FakeMember> {
    await this.#begin({ method, member: name }, signal);
    const found = this.#members.find(({ clientUrl }) => clientUrl === endpoint);
    if (found === undefined || found.down) throw refused(endpoint ?? `member ${name}`);
    return found;
  }

  #stateOf({ lag, diverged }: FakeMember, earlier = 0): MemberState {
    return stateAfter(this.#log.slice(0, this.#log.length - lag - earlier), diverged);
  }

  #statusOf(member: FakeMember): MemberStatus {
    const state = this.#stateOf(member);
    const databaseBytes = databaseOf(state, this.#members).length;
    return {
      serverVersion: '3.5.30',
      storageVersion: undefined,
      databaseBytes,
      inUseBytes: databaseBytes,
      leader: this.leader?.id,
      raftTerm: 3n,
      raftIndex: BigInt(this.#log.length),
      appliedIndex: BigInt(this.#log.length - member.lag),
      revision: revision(state.revision),
    };
  }
}

function refused(endpoint: string): Failure {
  return new Failure('cluster-unreachable', `${endpoint}: connection refused`);
}
