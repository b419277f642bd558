/**
 * A cluster that is only its list of members, with etcd's own rules for changing it: no change
 * without a quorum, nobody added while a voter is down, no peer URL twice.
 */
import type { Asked, Membership, WantedMember } from '../../src/cluster/membership-port.ts';
import type { Cluster, Member, Survey } from '../../src/cluster/port.ts';
import { type MemberId, memberId, type Revision, revision } from '../../src/core/backup.ts';
import { Failure } from '../../src/core/errors.ts';
import { member, survey } from '../unit/cluster/surveys.ts';

export class FakeRoster implements Membership, Pick<Cluster, 'survey' | 'confirmedRevision'> {
  /** Changes that were made, in order. */
  readonly changes: string[] = [];
  alarms: Survey['alarms'] = [];
  /** Told before each change is looked at; what it throws is what etcd says. */
  onChange: (change: 'remove' | 'add') => void = () => undefined;
  /** Whether reads are confirmed though voters enough seem to be there. */
  confirms = true;
  #members: readonly Member[];
  #nextId = 0xf0n;

  constructor(members: readonly Member[]) {
    this.#members = members;
  }

  async survey(): Promise<Survey> {
    return survey(this.#members, this.alarms);
  }

  async confirmedRevision(): Promise<Revision> {
    if (this.confirms && this.#hasQuorum()) return revision(500n);
    throw new Failure('cluster-unreachable', 'the cluster has no leader now');
  }

  async remove(id: MemberId, { via, signal }: Asked): Promise<void> {
    signal.throwIfAborted();
    this.onChange('remove');
    this.#requireQuorum();
    this.changes.push(`remove ${id} via ${via.name}`);
    this.#members = this.#members.filter((each) => each.id !== id);
  }

  async add({ peerUrls, learner }: WantedMember, { via, signal }: Asked): Promise<MemberId> {
    signal.throwIfAborted();
    this.onChange('add');
    this.#requireQuorum();
    if (this.#voters().some(({ status }) => status instanceof Failure)) {
      throw new Failure('quorum-at-risk', 'etcdserver: unhealthy cluster');
    }
    if (this.#members.some((each) => each.peerUrls.some((url) => peerUrls.includes(url)))) {
      throw new Failure('usage', 'etcdserver: Peer URLs already exists');
    }
    const id = memberId(this.#nextId++);
    this.changes.push(`add ${peerUrls.join()} as ${learner ? 'learner' : 'voter'} via ${via.name}`);
    this.#members = [...this.#members, { ...unstarted(id), peerUrls, learner }];
    return id;
  }

  #voters(): Member[] {
    return this.#members.filter(({ learner }) => !learner);
  }

  #hasQuorum(): boolean {
    const up = this.#voters().filter(({ status }) => !(status instanceof Failure));
    return up.length * 2 > this.#voters().length;
  }

  #requireQuorum(): void {
    if (!this.#hasQuorum()) throw new Failure('timed-out', 'etcdserver: request timed out');
  }
}

/** A member that was added and whose process was never started. */
export function unstarted(id: string): Member {
  const status = new Failure('cluster-unreachable', 'it advertises no client URL');
  return member(id, { name: '', clientUrls: [], endpoint: undefined, status });
}
