/** Whole clusters are destroyed and come back, on every etcd there is. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { startEtcdCluster } from '../../src/cluster/servers.ts';
import { failureTable } from '../../src/core/errors.ts';
import type { Manifest } from '../../src/core/manifest.ts';
import { clusterState, memberHashes, officialCheck } from '../support/cluster-state.ts';
import { cluster, enableAuth, etcdctl, etcdVersions, type TestCluster } from '../support/etcd.ts';
import { runProgram, type Workplace, worker, workplace } from '../support/house.ts';
import { connect, seed } from '../support/workload.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

async function backUp(place: Workplace): Promise<Manifest> {
  await using engine = worker(place);
  const { id, result } = await engine.backup();
  expect(result).toBe('success');
  const { signal } = new AbortController();
  const { clusterId } = await engine.deps.cluster.survey({ signal });
  const [shelf] = engine.deps.shelves;
  if (shelf === undefined) throw new Error('no store');
  return engine.deps.openCatalog(shelf.store, clusterId).find(id, { signal });
}

/** Follows the plan that the program prints: its commands, by a shell, one for each host. */
async function restoreAll(of: TestCluster, place: Workplace, more: readonly string[] = []) {
  const planned = await runProgram([
    ...['restore', 'latest', '--plan', '--json', '--data-dir', '/data', ...more],
    ...place.words(),
  ]);
  expect(planned).toMatchObject({ code: 0 });
  const { hosts, clusterId } = JSON.parse(planned.stdout);
  expect(hosts).toHaveLength(of.members.length);
  const program = join(place.dir, 'etcd-backupd');
  const configured = place.words().map((word) => `'${word}'`);
  writeFileSync(
    program,
    `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@" ${configured.join(' ')}\n`,
  );
  chmodSync(program, 0o755);
  for (const { name, command } of hosts) {
    // Here the hosts are folders of one machine.
    const dataDir = of.members.find((member) => member.name === name)?.dataDir;
    const here = command.replace('--data-dir /data', `--data-dir ${dataDir} --json`);
    const env = { PATH: `${place.dir}:${process.env['PATH']}` };
    const { stdout } = await promisify(execFile)('sh', ['-c', here], { env });
    expect(JSON.parse(stdout)).toMatchObject({ dataDir, cluster: { id: clusterId } });
  }
}

async function start(of: TestCluster): Promise<void> {
  for (const member of of.members) await member.launch();
  await Promise.all(of.members.map((member) => member.untilHealthy()));
}

/** Each version with the oldest of the next minor: what etcd supports as one step. */
const upgrades = etcdVersions().flatMap((from) => {
  const [major, minor] = from.minor.split('.').map(Number);
  const to = etcdVersions().findLast((one) => one.minor === `${major}.${(minor ?? 0) + 1}`);
  return to === undefined ? [] : [{ from, to }];
});

describe.concurrent('across versions', () => {
  for (const { from, to } of upgrades) {
    test(`a backup of etcd ${from.version} serves in ${to.version}`, async () => {
      await using etcd = await cluster(from.version);
      await seed(etcd, { users: true });
      using place = workplace(etcd);
      const before = await clusterState(etcd);
      const { hashKv } = await backUp(place);
      await etcd.stop();

      await restoreAll(etcd, place, ['--etcd-version', to.version]);
      const peerUrls = etcd.members.map(({ peerUrl }) => peerUrl);
      await using upgraded = await startEtcdCluster({
        binary: to.etcd,
        dataDir: etcd.dataDir,
        members: 1,
        peerUrls,
      });

      const now = { ...etcd, binaries: to, clientUrls: upgraded.clientUrls };
      expect(await clusterState(now)).toEqual(before);
      expect(await memberHashes(now, hashKv.revision)).toEqual([hashKv.hash]);
    });

    test(`a backup of etcd ${to.version} is not for ${from.version}`, async () => {
      await using etcd = await cluster(to.version);
      await seed(etcd);
      using place = workplace(etcd);
      await backUp(place);
      const dir = join(place.dir, 'data');

      const words = ['restore', 'latest', '--data-dir', dir, '--etcd-version', from.version];
      const refused = await runProgram([...words, ...place.words()]);

      expect(refused.code).toBe(failureTable['restore-refused'].exit);
      const reason = `the backup is of etcd ${to.minor}, and etcd ${from.version} is older`;
      expect(refused.stderr).toContain(reason);
      expect(existsSync(dir)).toBe(false);
    });
  }
});

for (const { version } of etcdVersions()) {
  describe.concurrent(`with etcd ${version}`, () => {
    test('three members are lost, restored, and serve all as before', async () => {
      await using etcd = await cluster(version, { members: 3 });
      await seed(etcd, { users: true });
      await enableAuth(etcd, 'root-password');
      using place = workplace(etcd);
      writeFileSync(join(place.dir, 'password'), 'root-password', { mode: 0o600 });
      place.settings['cluster.auth.username'] = 'root';
      place.settings['cluster.auth.passwordFile'] = join(place.dir, 'password');
      const before = await clusterState(etcd);
      const manifest = await backUp(place);
      await etcdctl(etcd, ['put', '/seed/late', 'written after the backup']);
      await etcd.stop();
      for (const { dataDir } of etcd.members) rmSync(dataDir, { recursive: true });

      await restoreAll(etcd, place);
      await start(etcd);

      expect(await clusterState(etcd)).toEqual(before);
      const { revision, hash } = manifest.hashKv;
      expect(await memberHashes(etcd, revision)).toEqual([hash, hash, hash]);
      const listed = await etcdctl(etcd, ['member', 'list']);
      for (const { name } of etcd.members) expect(listed).toContain(`started, ${name},`);
      await etcdctl(etcd, ['put', '/seed/new', 'written after the restore']);
      for (const url of etcd.clientUrls) {
        const got = await etcdctl(etcd, ['get', '/seed/new'], { endpoints: [url] });
        expect(got).toContain('written after the restore');
      }
      await etcd.stop();
      for (const { dataDir } of etcd.members) {
        await officialCheck(join(dataDir, 'member/snap/db'));
      }
    });

    test('a jump of the revision ends old watchers, and revisions only grow', async () => {
      await using etcd = await cluster(version);
      const { revision } = await seed(etcd);
      using place = workplace(etcd);
      const manifest = await backUp(place);
      await etcd.stop();

      const jump = ['--bump-revision', '1000000', '--mark-compacted', '--clear-alarms'];
      await restoreAll(etcd, place, jump);
      await start(etcd);

      const watcher = etcdctl(etcd, ['watch', '/seed/late', '--rev', `${revision}`]);
      await expect(watcher).rejects.toThrow(/required revision has been compacted/);
      const client = connect(etcd);
      try {
        const { header } = await client.put('/seed/late').value('after');
        expect(BigInt(header.revision)).toBeGreaterThan(manifest.revision + 1_000_000n);
        expect(await client.get('/seed/txn/a').string()).toBe('3');
      } finally {
        client.close();
      }
      await etcd.stop();
      await officialCheck(join(etcd.members[0]?.dataDir ?? '', 'member/snap/db'));
    });
  });
}
