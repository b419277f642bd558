/**
 * `etcd-backupd inspect` (trailer, structure, hash, HashKV) against `etcdutl snapshot status`, in
 * turn, on one file. BENCH_BYTES (default 1.25 GiB) and BENCH_ROUNDS (default 5).
 */
import { join } from 'node:path';
import { builtProgram } from '../support/built.ts';
import { cluster, etcdctl } from '../support/etcd.ts';
import { workplace } from '../support/house.ts';
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
const saved = join(place.dir, 'saved.db');
await etcdctl(etcd, ['snapshot', 'save', saved]);
await etcd.stop();
const main = builtProgram();
await compare(
  { name: 'etcd-backupd inspect', command: [process.execPath, main, 'inspect', saved] },
  {
    name: 'etcdutl snapshot status',
    command: [etcd.binaries.etcdutl as string, 'snapshot', 'status', saved],
  },
  rounds,
);
