/** A call of the real adapter to a server that answers as it is told. */
import { connectCluster } from '../../../src/cluster/connect.ts';
import { memberId, revision } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import { type Answers, startMember } from '../cluster/etcd-answers.ts';

const { signal } = new AbortController();

/** Asks for a content hash. */
export async function askMember(
  instead: NonNullable<Answers['instead']>,
  { scheme = 'http', requestTimeoutMs = 15_000 } = {},
): Promise<unknown> {
  const id = 0x8e9e_05c5_2164_694dn;
  await using server = await startMember({ id, members: () => [], instead });
  const endpoint = server.url.replace('http', scheme);
  const tls = { ca: null, client: null, serverName: null };
  const settings = { endpoints: [endpoint], tls, auth: null, requestTimeoutMs };
  const known = { id: memberId(id), name: 'm1', clientUrls: [endpoint], peerUrls: [] };
  const status = new Failure('cluster-unreachable', 'not asked');
  const member = { ...known, learner: false, endpoint, status };
  return await connectCluster(settings).hashKv(member, revision(9n), { signal });
}
