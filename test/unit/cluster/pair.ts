/** A cluster of two that is surveyed. */
import { connectCluster } from '../../../src/cluster/connect.ts';
import type { Survey } from '../../../src/cluster/port.ts';
import { type Answers, startMember, type ToldMember } from './etcd-answers.ts';
import type { GrpcServer } from './grpc-server.ts';
import { limitMs } from './roads.ts';

const { signal } = new AbortController();
export const [one, two] = [0x8e9e_05c5_2164_694dn, 0xffff_ffff_ffff_fffen];

export function surveyOf(...endpoints: readonly string[]): Promise<Survey> {
  const tls = { ca: null, client: null, serverName: null };
  const settings = { endpoints, tls, auth: null, requestTimeoutMs: limitMs };
  return connectCluster(settings).survey({ signal });
}

/** A cluster of two; both know both, by what they advertise. */
export class Pair implements AsyncDisposable {
  readonly servers: GrpcServer[] = [];
  told: ToldMember[] = [];

  static async start(first: Partial<Answers> = {}, second: Partial<Answers> = {}): Promise<Pair> {
    const pair = new Pair();
    const shared = { members: () => pair.told, leader: two };
    pair.servers.push(await startMember({ id: one, ...shared, ...first }));
    pair.servers.push(await startMember({ id: two, ...shared, ...second }));
    pair.told = [
      { id: one, name: 'm1', clientUrls: [pair.urls[0]!] },
      { id: two, name: 'm2', clientUrls: [pair.urls[1]!] },
    ];
    return pair;
  }

  get urls(): [string, string] {
    return this.servers.map(({ url }) => url) as [string, string];
  }

  /** The methods that a member was asked for. */
  asked(at: number): string[] {
    return (this.servers[at]?.calls ?? []).map(({ method }) => method.split('/').at(-1) ?? '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.servers) await server[Symbol.asyncDispose]();
  }
}

/** An address that nobody listens at any more. */
export async function deadUrl(): Promise<string> {
  await using server = await startMember({ id: one, members: () => [] });
  return server.url;
}
