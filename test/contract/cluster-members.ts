/** The cluster that a contract is held against, and what is asked of it most. */
import type { Cluster, Member, MemberStatus } from '../../src/cluster/port.ts';
import type { Revision } from '../../src/core/backup.ts';
import { Failure } from '../../src/core/errors.ts';

/** A running cluster of members m1, m2, ... and what is done to it from outside. */
export interface ContractCluster extends AsyncDisposable {
  readonly port: Cluster;
  put(key: string, value: string): Promise<void>;
  remove(key: string): Promise<void>;
  compact(at: Revision): Promise<void>;
  stop(member: string): Promise<void>;
  addLearner(name: string): Promise<void>;
}

export type MakeCluster = (members: number) => Promise<ContractCluster>;

export type Answered = Member & { readonly status: MemberStatus };

/** For calls that nobody aborts. */
export const { signal } = new AbortController();

/** Every member; throws when one gave no answer. */
export async function answered({ port }: ContractCluster): Promise<Answered[]> {
  const { members } = await port.survey({ signal });
  return members.map((member) => {
    if (member.status instanceof Failure) throw member.status;
    return { ...member, status: member.status };
  });
}

export async function firstOf(cluster: ContractCluster): Promise<Answered> {
  return (await answered(cluster))[0] as Answered;
}
