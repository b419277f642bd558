/**
 * One endpoint, asked through the package etcd3: membership, status, alarms, linearizable reads. A
 * client per endpoint because etcd3 picks one of several at random; made anew for each use, so that
 * rotated certificates and passwords count at once.
 */
import { AlarmAction, AlarmType, Etcd3, type IMember, type IOptions } from 'etcd3';
import {
  type ClusterId,
  clusterId,
  type MemberId,
  memberId,
  type Revision,
  revision,
} from '../../core/backup.ts';
import { Failure } from '../../core/errors.ts';
import { clusterFailure } from '../failures.ts';
import type { WantedMember } from '../membership-port.ts';
import type { Alarm, MemberStatus } from '../port.ts';
import type { TlsMaterial } from '../tls.ts';

export interface EndpointOptions {
  readonly url: string;
  readonly tls: TlsMaterial | undefined;
  readonly user: { readonly username: string; readonly password: string } | undefined;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

export interface AnsweredStatus {
  readonly cluster: ClusterId;
  readonly member: MemberId;
  readonly status: MemberStatus;
}

export interface ListedMember {
  readonly id: MemberId;
  readonly name: string;
  readonly clientUrls: readonly string[];
  readonly peerUrls: readonly string[];
  readonly learner: boolean;
}

export class Endpoint implements Disposable {
  readonly url: string;
  readonly #client: Etcd3;
  readonly #options: EndpointOptions;

  constructor(options: EndpointOptions) {
    this.url = options.url;
    this.#options = options;
    try {
      this.#client = new Etcd3(clientOptions(options));
    } catch (error) {
      throw clusterFailure(error, options.url);
    }
  }

  async status(): Promise<AnsweredStatus> {
    const answer = await this.#limited(() => this.#client.maintenance.status());
    const { header } = answer;
    return {
      cluster: clusterId(BigInt(header.cluster_id)),
      member: memberId(BigInt(header.member_id)),
      status: {
        serverVersion: answer.version,
        storageVersion: undefined,
        databaseBytes: Number(answer.dbSize),
        inUseBytes: Number(answer.dbSizeInUse),
        leader: answer.leader === '0' ? undefined : memberId(BigInt(answer.leader)),
        raftTerm: BigInt(answer.raftTerm),
        raftIndex: BigInt(answer.raftIndex),
        appliedIndex: BigInt(answer.raftAppliedIndex),
        revision: revision(BigInt(header.revision)),
      },
    };
  }

  /** As this member knows it: needs no quorum. */
  async members(): Promise<readonly ListedMember[]> {
    const asked = { linearizable: false };
    const { members } = await this.#limited(() => this.#client.cluster.memberList(asked));
    return members.map((member: IMember) => ({
      id: memberId(BigInt(member.ID)),
      name: member.name,
      clientUrls: member.clientURLs,
      peerUrls: member.peerURLs,
      learner: member.isLearner,
    }));
  }

  async alarms(): Promise<readonly Alarm[]> {
    const asked = { action: AlarmAction.Get };
    const { alarms } = await this.#limited(() => this.#client.maintenance.alarm(asked));
    return alarms.map(({ memberID, alarm }) => {
      return { member: memberId(BigInt(memberID)), kind: alarmKind(String(alarm)) };
    });
  }

  /** The newest revision, confirmed by a quorum. */
  async confirmedRevision(): Promise<Revision> {
    const read = { key: Buffer.from([0]), limit: 1, keys_only: true, serializable: false };
    const { header } = await this.#limited(() => this.#client.kv.range(read));
    return revision(BigInt(header.revision));
  }

  /** One that is not a member any more is no mistake: it is out. */
  async removeMember(id: MemberId): Promise<void> {
    try {
      const asked = { ID: BigInt(`0x${id}`).toString() };
      await this.#limited(() => this.#client.cluster.memberRemove(asked));
    } catch (error) {
      if (!isUnknownMember(error)) throw error;
    }
  }

  /** The id of the new member. */
  async addMember({ peerUrls, learner }: WantedMember): Promise<MemberId> {
    const asked = { peerURLs: [...peerUrls], isLearner: learner };
    const { member } = await this.#limited(() => this.#client.cluster.memberAdd(asked));
    return memberId(BigInt(member.ID));
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  /** etcd3 has neither a signal nor a limit of its own that always holds. */
  async #limited<T>(ask: () => Promise<T>): Promise<T> {
    const { limitMs, signal } = this.#options;
    signal.throwIfAborted();
    const ended = Promise.withResolvers<never>();
    const onAbort = (): void => ended.reject(signal.reason);
    const late = (): void => {
      const waited = `no answer in ${limitMs} ms`;
      ended.reject(new Failure('cluster-unreachable', `${this.url}: ${waited}`));
    };
    const timer = setTimeout(late, limitMs);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([ask(), ended.promise]);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw clusterFailure(error, this.url);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }
}

const letGoMs = 1000;

function clientOptions({ url, tls, user, limitMs }: EndpointOptions): IOptions {
  const named = tls?.serverName;
  return {
    hosts: url,
    dialTimeout: limitMs,
    // Ours ends the wait first; this one makes the package let go of its connection.
    defaultCallOptions: () => ({ deadline: Date.now() + limitMs + letGoMs }),
    grpcOptions: {
      // A proxy of the environment is for the web, not for the way to etcd.
      'grpc.enable_http_proxy': 0,
      ...(named === undefined ? {} : { 'grpc.ssl_target_name_override': named }),
    },
    ...(tls === undefined ? {} : { credentials: credentialsOf(tls) }),
    ...(user === undefined ? {} : { auth: user }),
  };
}

function credentialsOf({ ca, client }: TlsMaterial): NonNullable<IOptions['credentials']> {
  const pair = client === undefined ? {} : { privateKey: client.key, certChain: client.cert };
  return { rootCertificate: ca, ...pair };
}

function isUnknownMember(error: unknown): boolean {
  const cause = error instanceof Failure ? error.cause : undefined;
  return cause instanceof Error && cause.message.includes('etcdserver: member not found');
}

/** etcd3 gives the name in its own spelling (`Nospace`), or the number. */
function alarmKind(alarm: string): Alarm['kind'] {
  const kind = alarm.toUpperCase();
  if (kind === 'NOSPACE' || kind === String(AlarmType.Nospace)) return 'NOSPACE';
  if (kind === 'CORRUPT' || kind === String(AlarmType.Corrupt)) return 'CORRUPT';
  return 'UNKNOWN';
}
