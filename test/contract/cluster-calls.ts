/** What holds for every call to a cluster: whom it reaches, and how it ends before its time. */
import { expect, test } from 'vitest';
import type { Cluster, Member } from '../../src/cluster/port.ts';
import { revision } from '../../src/core/backup.ts';
import { type ContractCluster, firstOf, type MakeCluster, signal } from './cluster-members.ts';

type Call = (port: Cluster, member: Member, signal: AbortSignal) => Promise<unknown>;

/** Those that are made to one member. */
const memberCalls: Readonly<Record<string, Call>> = {
  'confirmed revision': (port, member, ending) => {
    return port.confirmedRevision(member, { signal: ending });
  },
  snapshot: (port, member, ending) => Array.fromAsync(port.snapshot(member, { signal: ending })),
  'content hash': (port, member, ending) => {
    return port.hashKv(member, revision(2n), { signal: ending });
  },
};

const allCalls: Readonly<Record<string, Call>> = {
  ...memberCalls,
  survey: (port, _member, ending) => port.survey({ signal: ending }),
};

export function callContract(shared: () => ContractCluster, make: MakeCluster): void {
  test.for(Object.keys(allCalls))('%s throws the reason of an abort', async (name) => {
    const call = allCalls[name] as Call;
    const member = await firstOf(shared());
    const [early, late] = [new AbortController(), new AbortController()];
    const reasons = [new Error('before it began'), new Error('under way')];
    early.abort(reasons[0]);

    const refused = call(shared().port, member, early.signal);
    const stopped = call(shared().port, member, late.signal);
    late.abort(reasons[1]);

    await expect(refused).rejects.toBe(reasons[0]);
    await expect(stopped).rejects.toBe(reasons[1]);
  });

  test('is answered by the member that was asked, never by another', async () => {
    await using cluster = await make(3);
    await cluster.put('/a', '1');
    const member = await firstOf(cluster);
    await cluster.stop(member.name);

    for (const [name, call] of Object.entries(memberCalls)) {
      const asked = call(cluster.port, member, signal);
      await expect(asked, name).rejects.toMatchObject({ code: 'cluster-unreachable' });
    }
  });

  test('fails where the member has no URL to be asked at', async () => {
    const member = { ...(await firstOf(shared())), clientUrls: [], endpoint: undefined };

    for (const [name, call] of Object.entries(memberCalls)) {
      const asked = call(shared().port, member, signal);
      await expect(asked, name).rejects.toMatchObject({ code: 'cluster-unreachable' });
    }
  });
}
