/** What must hold before a restore touches anything: the place, its etcd, the versions. */
import { Failure } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import type { RestoreOrder } from '../core/restore.ts';
import { requireRunnable } from '../datadir/hooks.ts';
import { examinePlace, type Place, requireWithin } from '../datadir/place.ts';
import { holderOf } from '../datadir/running.ts';
import { recoverPlace } from '../datadir/swap.ts';
import type { RestoreDeps } from './deps.ts';
import { judgeVersions } from './version-rules.ts';

export interface Approved {
  readonly place: Place;
  readonly forgetVersions: boolean;
  readonly leastEtcd: string | null;
  readonly warnings: readonly string[];
}

/** Throws `restore-refused`. Also mends what a killed restore left behind. */
export async function approve(
  manifest: Manifest,
  order: RestoreOrder,
  deps: RestoreDeps,
): Promise<Approved> {
  const { dataDir, name, initialCluster } = order.member;
  if (!initialCluster.some((member) => member.name === name)) {
    throw new Failure('usage', `${name} is not among the members of the initial cluster`);
  }
  const { roots, before, after } = deps.restore;
  if (roots.length > 0) await requireWithin(dataDir, roots);
  await requireRunnable([...before, ...after]);
  const mended = await recoverPlace(await examinePlace(dataDir));
  const place = await examinePlace(dataDir);
  // Where programs stop the etcd first it may run until then; under a dry run all the time.
  if (before.length === 0 && !order.dryRun) await requireStopped(place);
  requireOurs(place, manifest, order);
  const { warning, ...versions } = judgeVersions(
    writerOf(manifest),
    order.etcdVersion,
    order.force,
  );
  const warnings = [...mended, ...(warning === null ? [] : [warning])];
  return { place, ...versions, warnings };
}

/** The version of etcd whose format the backup has. */
export function writerOf({ source }: Manifest): string {
  return source.storageVersion ?? source.serverVersion;
}

export async function requireStopped(place: Place): Promise<void> {
  const holder = await holderOf(place.dir);
  if (holder === undefined) return;
  throw new Failure('restore-refused', `an etcd is running on ${place.dir}: ${holder}`, {
    hint: 'Stop this etcd first. Nothing overrides this.',
  });
}

/** What another cluster left is moved aside too, but only on purpose. */
function requireOurs(place: Place, manifest: Manifest, { force }: RestoreOrder): void {
  if (force) return;
  if (place.state === 'foreign') {
    throw new Failure('restore-refused', `${place.dir} holds files that are not etcd's`, {
      hint: 'Name an empty folder or the old data directory; --force moves it aside as it is.',
    });
  }
  const { identity } = place;
  if (identity === undefined || identity.cluster === manifest.cluster.id) return;
  const whose = `belongs to cluster ${identity.cluster}, the backup to ${manifest.cluster.id}`;
  throw new Failure('restore-refused', `${place.dir} ${whose}`, {
    hint:
      'After an earlier restore the cluster has a new id; if that is so, repeat with --force: ' +
      'the directory is moved aside, not deleted.',
  });
}
