/** All that clients see of a cluster, to compare before and after a restore. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { installedBbolt } from '../setup/binaries.ts';
import { etcdctl, type TestCluster } from './etcd.ts';
import { connect } from './workload.ts';

export interface ClusterState {
  readonly keys: readonly unknown[];
  readonly leases: readonly unknown[];
  readonly users: readonly unknown[];
  readonly roles: readonly unknown[];
}

/** Every key with its revisions, version and lease; every lease with its keys; users and roles. */
export async function clusterState(of: TestCluster): Promise<ClusterState> {
  const client = connect(of);
  try {
    const all = { key: Buffer.from([0]), range_end: Buffer.from([0]) };
    const { kvs } = await client.kv.range({ ...all, serializable: false });
    const { leases } = await client.leaseClient.leaseLeases();
    const { users } = await client.auth.userList();
    const { roles } = await client.auth.roleList();
    return {
      keys: kvs.map(({ key, value, ...rest }) => {
        return { ...rest, key: key.toString('base64'), value: value.toString('base64') };
      }),
      leases: await Promise.all(
        leases.map(async ({ ID }) => {
          const lease = await client.leaseClient.leaseTimeToLive({ ID, keys: true });
          return { ID, granted: lease.grantedTTL, keys: lease.keys.map(String).sort() };
        }),
      ),
      users: await Promise.all(
        users.map(async (name) => [name, (await client.auth.userGet({ name })).roles]),
      ),
      roles: await Promise.all(
        roles.map(async (role) => [role, (await client.auth.roleGet({ role })).perm]),
      ),
    };
  } finally {
    client.close();
  }
}

/** What every member says of its content at a revision; each is asked with a token of its own. */
export async function memberHashes(of: TestCluster, revision: bigint): Promise<number[]> {
  const args = ['endpoint', 'hashkv', `--rev=${revision}`, '-w', 'json'];
  const hashes: number[] = [];
  for (const url of of.clientUrls) {
    const [answer] = JSON.parse(await etcdctl(of, args, { endpoints: [url] }));
    hashes.push(answer.HashKV.hash);
  }
  return hashes;
}

/**
 * The official check of a database that nobody has open. Throws with what it found; where the
 * program is promised (MUST_RUN_ETCD names what only Go builds) and missing, that is a fault too.
 */
export async function officialCheck(database: string): Promise<'sound' | 'no bbolt here'> {
  const bbolt = installedBbolt();
  if (bbolt === undefined) {
    if (/3\.[67]/.test(process.env['MUST_RUN_ETCD'] ?? '')) throw new Error('bbolt is missing');
    return 'no bbolt here';
  }
  await promisify(execFile)(bbolt, ['check', database], { env: {}, timeout: 120_000 });
  return 'sound';
}
