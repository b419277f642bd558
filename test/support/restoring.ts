/** A member that was backed up twice and stopped, and any number of copies of it to restore into. */
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { startEtcdCluster } from '../../src/cluster/servers.ts';
import type { BackupId } from '../../src/core/backup.ts';
import type { RestoreReport } from '../../src/core/restore.ts';
import type { Wanted } from '../../src/engine/candidates.ts';
import {
  orderOf,
  planRestore,
  type RestoreAsked,
  type RestorePlan,
} from '../../src/engine/plan-restore.ts';
import { restoreBackup } from '../../src/engine/restore.ts';
import type { EtcdBinaries } from '../setup/binaries.ts';
import { into, latest } from './asked-restore.ts';
import { cluster, etcdctl, type TestCluster } from './etcd.ts';
import { type Worker, type Workplace, worker, workplace } from './house.ts';
import { fill } from './workload.ts';

/** Written before the older backup, before the newest one, and after it. */
const marks = ['/older', '/newest', '/later'] as const;

export interface Origin extends AsyncDisposable {
  readonly older: BackupId;
  readonly newest: BackupId;
  readonly etcd: TestCluster;
  /** Copies of the store and of the data directory for one test. */
  lay(): Ground;
}

export interface Ground extends Disposable {
  readonly place: Workplace;
  /** Holds the data directory, and what is made beside it. */
  readonly hosts: string;
  readonly dataDir: string;
  /** Words of a command line that restores the newest backup, as the place is configured now. */
  readonly words: readonly string[];
  /** What lies in `hosts`; times and random words are left out of the names. */
  names(): string[];
  /** The marks that a real etcd finds, started on the data directory. */
  served(binaries?: EtcdBinaries): Promise<string[]>;
}

export async function origin(version: string): Promise<Origin> {
  const etcd = await cluster(version);
  const place = workplace(etcd);
  const dispose = async (): Promise<void> => {
    place[Symbol.dispose]();
    await etcd[Symbol.asyncDispose]();
  };
  try {
    await fill(etcd, { bytes: 4 * 1024 * 1024 });
    await using engine = worker(place);
    await etcdctl(etcd, ['put', marks[0], 'here']);
    const older = (await engine.backup()).id;
    await etcdctl(etcd, ['put', marks[1], 'here']);
    const newest = (await engine.backup()).id;
    await etcdctl(etcd, ['put', marks[2], 'here']);
    await etcd.stop();
    const lay = () => layOut(etcd, place);
    return { etcd, older, newest, lay, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function layOut(etcd: TestCluster, from: Workplace): Ground {
  const place = workplace(etcd);
  const hosts = join(place.dir, 'hosts');
  const dataDir = join(hosts, 'm1');
  mkdirSync(hosts);
  copy(`${from.storeDir}/.`, place.storeDir);
  copy(etcd.members[0]?.dataDir ?? '', dataDir);
  return {
    place,
    hosts,
    dataDir,
    get words() {
      return ['restore', 'latest', '--data-dir', dataDir, '--name', 'm1', ...place.words()];
    },
    names: () => namesIn(hosts),
    served: (binaries) => served(etcd, dataDir, binaries),
    [Symbol.dispose]: () => place[Symbol.dispose](),
  };
}

/** With all times and rights; what was reserved and never written takes no room. */
export function copy(from: string, to: string): void {
  execFileSync('cp', ['--archive', '--sparse=always', from, to]);
}

export function namesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.endsWith('.log'))
    .map((name) => name.replace(/\d{8}T\d{6}Z(-\d+)?/, 'TIME').replace(/-[0-9a-f]{8}$/, '-RANDOM'))
    .toSorted();
}

/** The marks that an etcd serves from the data directory, which has the name of its member. */
export async function served(
  of: TestCluster,
  dataDir: string,
  binaries = of.binaries,
): Promise<string[]> {
  await using etcd = await startEtcdCluster({
    binary: binaries.etcd,
    dataDir: dirname(dataDir),
    members: [basename(dataDir)],
    peerUrls: of.members.map(({ peerUrl }) => peerUrl),
  });
  const at = { endpoints: etcd.clientUrls };
  const listed = (await etcdctl(of, ['get', '/', '--prefix', '--keys-only'], at)).split('\n');
  return marks.filter((key) => listed.includes(key));
}

/** Changes when a file below is written, replaced or given other rights; not when it is moved. */
export function traceOf(dir: string): Record<string, string> {
  const names = ['.', ...readdirSync(dir, { recursive: true }).map(String)];
  return Object.fromEntries(
    names.toSorted().map((name) => {
      const { ino, size, mtimeMs, mode, uid } = lstatSync(join(dir, name));
      return [name, [ino, size, mtimeMs, mode, uid].join(' ')];
    }),
  );
}

/** What a command says of its failure, behind what was told on the way. */
export function complaintOf({ err }: { readonly err: string }): string {
  const [, complaint] = /^etcd-backupd: (.*)$/m.exec(err) ?? [];
  if (complaint === undefined) throw new Error(`no complaint: ${JSON.stringify(err)}`);
  return complaint;
}

const nobodyStops = new AbortController().signal;

/** As the command does it, in this process. */
export async function restore(
  engine: Worker,
  dataDir: string,
  asked: Partial<RestoreAsked> = {},
  { signal = nobodyStops, ...which }: Partial<Wanted> & { signal?: AbortSignal } = {},
): Promise<RestoreReport> {
  const wanted = { ...latest, ...which };
  const whole = into(dataDir, asked);
  const plan: RestorePlan = await planRestore(wanted, whole, engine.deps, signal);
  const { wanted: pinned, order } = orderOf(plan, whole, null);
  return restoreBackup({ ...wanted, ...pinned, before: null }, order, engine.deps, { signal });
}
