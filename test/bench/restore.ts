/**
 * From a local store to a data directory that etcd can start on: `etcd-backupd restore` (every byte
 * and page proved, all synced) against a copy and `etcdutl snapshot restore`, in turn.
 * BENCH_BYTES (default 1.25 GiB) and BENCH_ROUNDS (default 5).
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { builtProgram } from '../support/built.ts';
import { cluster } from '../support/etcd.ts';
import { worker, workplace } from '../support/house.ts';
import { dataFile } from '../support/stored-names.ts';
import { fill } from '../support/workload.ts';
import { compare } from './compare.ts';

const bytes = Number(process.env['BENCH_BYTES'] ?? 1.25 * 1024 ** 3);
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);

await using etcd = await cluster('3.5');
const { sizeBytes, keys } = await fill(etcd, { bytes, valueBytes: 1200 });
console.log(
  `etcd ${etcd.binaries.version}, ${(sizeBytes / 1024 ** 3).toFixed(2)} GiB, ${keys} keys`,
);

using place = workplace(etcd);
await using engine = worker(place);
const { id } = await engine.backup();
const { clusterId } = await engine.deps.cluster.survey({ signal: new AbortController().signal });
await etcd.stop();
const stored = join(place.storeDir, clusterId, dataFile(id));
const [restored, copy] = [join(place.dir, 'restored'), join(place.dir, 'copy.db')];
const member = ['--name', 'm1', '--initial-cluster', 'm1=http://127.0.0.1:2380'];
const clean = (): void => {
  for (const path of [restored, copy]) rmSync(path, { recursive: true, force: true });
};
const words = ['restore', id, '--data-dir', restored, ...member, ...place.words()];
const own = ['--initial-advertise-peer-urls', 'http://127.0.0.1:2380'];
const official = [etcd.binaries.etcdutl, 'snapshot', 'restore', copy, '--data-dir', restored];
// "exec", so that the memory that is measured is the tool's.
const script = `cp ${stored} ${copy} && exec ${[...official, ...member, ...own].join(' ')}`;
await compare(
  { name: 'etcd-backupd restore', command: [process.execPath, builtProgram(), ...words], clean },
  { name: 'cp, etcdutl snapshot restore', command: ['sh', '-c', script], clean },
  rounds,
);
clean();
