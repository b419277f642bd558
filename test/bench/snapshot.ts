/**
 * A proved backup into a file store against `etcdctl snapshot save`, in turn, on one cluster.
 * BENCH_BYTES (default 1.25 GiB) and BENCH_ROUNDS (default 5).
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { builtProgram } from '../support/built.ts';
import { cluster } from '../support/etcd.ts';
import { workplace } from '../support/house.ts';
import { fill } from '../support/workload.ts';
import { compare } from './compare.ts';

const bytes = Number(process.env['BENCH_BYTES'] ?? 1.25 * 1024 ** 3);
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);

await using etcd = await cluster('3.5', { members: Number(process.env['BENCH_MEMBERS'] ?? 1) });
const { sizeBytes, keys } = await fill(etcd, { bytes, valueBytes: 1200 });
console.log(
  `etcd ${etcd.binaries.version}, ${(sizeBytes / 1024 ** 3).toFixed(2)} GiB, ${keys} keys`,
);

using place = workplace(etcd);
const saved = join(place.dir, 'saved.db');
const main = builtProgram();
const endpoint = etcd.clientUrls.at(-1) as string;
const empty = (): void => {
  rmSync(saved, { force: true });
  for (const dir of [place.storeDir]) rmSync(dir, { recursive: true, force: true });
};
await compare(
  {
    name: 'etcd-backupd backup (proved)',
    command: [process.execPath, main, 'backup', ...place.words()],
    clean: empty,
  },
  {
    name: 'etcdctl snapshot save',
    command: [etcd.binaries.etcdctl, `--endpoints=${endpoint}`, 'snapshot', 'save', saved],
    clean: empty,
  },
  rounds,
);
