/** A backup reads. It compacts nothing, defragments nothing, and writes no key. */
import { expect, test } from 'vitest';
import { cluster, etcdctl, type TestCluster } from '../support/etcd.ts';
import { worker, workplace } from '../support/house.ts';
import { connect, fill, seed } from '../support/workload.ts';

interface Told {
  readonly Status?: { readonly dbSize: number; readonly header: { readonly revision: number } };
  readonly HashKV?: { readonly hash: number; readonly compact_revision: number };
}

/** What would tell of a write, a compaction or a defragmentation, member by member. */
async function tracesIn(etcd: TestCluster): Promise<unknown> {
  const ask = async (what: string): Promise<Told[]> =>
    JSON.parse(await etcdctl(etcd, ['endpoint', what, '-w', 'json']));
  const [statuses, hashes] = [await ask('status'), await ask('hashkv')];
  return statuses.map(({ Status }, at) => ({
    revision: Status?.header.revision,
    dbSize: Status?.dbSize,
    hash: hashes[at]?.HashKV?.hash,
    compactRevision: hashes[at]?.HashKV?.compact_revision,
  }));
}

test('leaves the cluster as it was: not compacted, not defragmented, no key written', async () => {
  await using etcd = await cluster('3.5', { members: 3 });
  await seed(etcd);
  await fill(etcd, { bytes: 16 * 1024 * 1024 });
  // Deleted and compacted rows leave free pages: a defragmentation would give them back.
  const client = connect(etcd);
  await client.delete().prefix('/fill/');
  const { header } = await client.kv.range({ key: Buffer.from('/') });
  await client.kv.compact({ revision: header.revision, physical: true });
  await client.put('/after').value('the compaction');
  client.close();
  using place = workplace(etcd);
  await using engine = worker(place);
  const before = await tracesIn(etcd);

  const report = await engine.backup();

  expect(report.result).toBe('success');
  expect(engine.of('proof-finished').map(({ outcome }) => outcome)).toEqual(
    Array.from({ length: 3 }, () => 'passed'),
  );
  expect(await tracesIn(etcd)).toEqual(before);
});
