/**
 * A proved backup into a bucket against `etcdctl snapshot save` and a fast copy, and a proved
 * restore from it against a copy and `etcdutl snapshot restore`: in turn, on one cluster and one
 * real server. BENCH_BYTES (default 1 GiB) and BENCH_ROUNDS (default 3).
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { bringCeph } from '../setup/ceph.ts';
import { bringS5cmd } from '../setup/s5cmd.ts';
import { builtProgram } from '../support/built.ts';
import { startCeph } from '../support/ceph.ts';
import { cluster } from '../support/etcd.ts';
import { worker, workplace } from '../support/house.ts';
import { makeBucket } from '../support/s3.ts';
import { dataFile } from '../support/stored-names.ts';
import { fill } from '../support/workload.ts';
import { compare } from './compare.ts';

const bytes = Number(process.env['BENCH_BYTES'] ?? 1024 ** 3);
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);

const s5cmd = await bringS5cmd();
await using ceph = await startCeph(await bringCeph('sid'));
const keys = await ceph.user('bench');
await makeBucket(ceph.url, keys);
// Both sides take the key where the AWS tools look.
Object.assign(process.env, {
  AWS_ACCESS_KEY_ID: keys.accessKeyId,
  AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  AWS_REGION: 'us-east-1',
});

await using etcd = await cluster('3.5');
const { sizeBytes, keys: count } = await fill(etcd, { bytes, valueBytes: 1200 });
console.log(
  `etcd ${etcd.binaries.version}, ${(sizeBytes / 1024 ** 3).toFixed(2)} GiB, ${count} keys`,
);

using place = workplace(etcd);
const s3 = { bucket: 'backups', endpoint: ceph.url, insecureHttp: true };
place.settings['stores'] = JSON.stringify([{ name: 'cloud', type: 's3', s3 }]);
const [saved, restored] = [join(place.dir, 'saved.db'), join(place.dir, 'restored')];
const main = builtProgram();
const copy = `${s5cmd} --endpoint-url ${ceph.url} cp`;
const emptyDisk = (): void => {
  for (const path of [saved, restored]) rmSync(path, { recursive: true, force: true });
};
/** The server keeps its objects in memory: room is there when it has let go of the removed ones. */
const empty = async (): Promise<void> => {
  emptyDisk();
  await ceph.run('admin bucket rm --bucket=backups --purge-objects --bypass-gc');
  await makeBucket(ceph.url, keys);
};
/** "exec", so that the memory that is measured is that of the last tool. */
const script = (...lines: string[]) => ['sh', '-c', `${lines.join(' && exec ')}`];

const endpoint = etcd.clientUrls.at(-1) as string;
await compare(
  {
    name: 'etcd-backupd backup (proved)',
    command: [process.execPath, main, 'backup', ...place.words()],
    clean: empty,
  },
  {
    name: 'etcdctl snapshot save, s5cmd cp',
    command: script(
      `${etcd.binaries.etcdctl} --endpoints=${endpoint} snapshot save ${saved}`,
      `${copy} ${saved} s3://backups/saved.db`,
    ),
    clean: empty,
  },
  rounds,
);

await empty();
await using engine = worker(place);
const { id } = await engine.backup();
const { clusterId } = await engine.deps.cluster.survey({ signal: new AbortController().signal });
await etcd.stop();
const member = ['--name', 'm1', '--initial-cluster', 'm1=http://127.0.0.1:2380'];
const own = ['--initial-advertise-peer-urls', 'http://127.0.0.1:2380'];
const official = [etcd.binaries.etcdutl, 'snapshot', 'restore', saved, '--data-dir', restored];
const words = ['restore', id, '--data-dir', restored, ...member, ...place.words()];
await compare(
  {
    name: 'etcd-backupd restore',
    command: [process.execPath, main, ...words],
    clean: emptyDisk,
  },
  {
    name: 's5cmd cp, etcdutl restore',
    command: script(
      `${copy} s3://backups/${clusterId}/${dataFile(id)} ${saved}`,
      [...official, ...member, ...own].join(' '),
    ),
    clean: emptyDisk,
  },
  rounds,
);
