/** Every road on which a backup is opened, and ways to change what lies in a store without a key. */
import { join } from 'node:path';
import type { BackupId } from '../../../src/core/backup.ts';
import type { Failure } from '../../../src/core/errors.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { encodeManifest } from '../../../src/core/manifest-json.ts';
import { manifestName } from '../../../src/core/names.ts';
import type { RestoreOrder } from '../../../src/core/restore.ts';
import type { EngineDeps } from '../../../src/engine/deps.ts';
import { runDrill } from '../../../src/engine/drill.ts';
import { openBackup } from '../../../src/engine/extract.ts';
import { planRestore } from '../../../src/engine/plan-restore.ts';
import { restoreBackup } from '../../../src/engine/restore.ts';
import { verifyBackup } from '../../../src/engine/verify.ts';
import { putBytes } from '../../contract/store-bodies.ts';
import { FakeEtcdProgram } from '../../support/fake-etcd-program.ts';
import { signal, type Workshop } from './workshop.ts';

const member = { name: 'm1', initialCluster: [{ name: 'm1', peerUrls: ['http://h:2380'] }] };
const order: Omit<RestoreOrder, 'member'> = {
  bumpRevision: null,
  clearAlarms: false,
  owner: null,
  etcdVersion: null,
  force: false,
  fallback: false,
  dryRun: true,
};

/** Throws what the road throws; a drill and a verification that fail throw their failure. */
type Road = (work: Workshop, deps: EngineDeps, id: BackupId) => Promise<void>;

const wantedAs = (id: BackupId) => ({ backup: id, before: null, store: null, cluster: null });

function verifying(deep: boolean): Road {
  return async (work, deps, id) => {
    const catalog = work.catalog(work.deps.shelves[0]!.store.name);
    throwAny((await verifyBackup(catalog, id, deps, { deep, signal })).failure);
  };
}

export const roads = {
  plan: async (_work, deps, id) => {
    const asked = { initialCluster: null, initialClusterToken: null, fallback: false };
    await planRestore(wantedAs(id), asked, { ...deps, restore: hooks }, signal);
  },
  restore: async (work, deps, id) => {
    const dataDir = join(work.dir, 'data');
    const whole = { ...order, member: { ...member, dataDir, initialClusterToken: 't' } };
    await restoreBackup(wantedAs(id), whole, { ...deps, restore: hooks }, { signal });
  },
  drill: async (_work, deps, id) => {
    const drill = { etcd: new FakeEtcdProgram(), startLimitMs: 60_000 };
    const report = await runDrill(wantedAs(id), { ...deps, drill }, { signal });
    if (report.outcome !== 'passed') throw report.failure;
  },
  extract: async (_work, deps, id) => {
    await using _ = await openBackup(wantedAs(id), deps, { signal });
  },
  verify: verifying(false),
  'verify --deep': verifying(true),
} satisfies Record<string, Road>;

export type RoadName = keyof typeof roads;
export const roadNames = Object.keys(roads) as RoadName[];

const hooks = { roots: [], before: [], after: [], hookLimitMs: 1000 };

function throwAny(failure: Failure | undefined): void {
  if (failure !== undefined) throw failure;
}

/** What the road ends with: the code of its failure, or `opened`. */
export async function endOf(
  name: RoadName,
  work: Workshop,
  id: BackupId,
  changes: Partial<EngineDeps> = {},
): Promise<string> {
  try {
    await roads[name](work, { ...work.deps, ...changes }, id);
    return 'opened';
  } catch (error) {
    return (error as Failure).code;
  }
}

/** Writes another manifest over that of a backup, in every store, as who has no key would. */
export async function overwrite(
  work: Workshop,
  id: BackupId,
  edit: (manifest: Manifest) => Manifest,
  shelves = work.deps.shelves,
): Promise<void> {
  for (const { store } of shelves) {
    const found = await work.catalog(store.name).find(id, { signal });
    await putBytes(store, manifestName(work.cluster.id, id), encodeManifest(edit(found)));
  }
}

export async function manifestOf(work: Workshop, id: BackupId): Promise<Manifest> {
  return await work.catalog(work.deps.shelves[0]!.store.name).find(id, { signal });
}
