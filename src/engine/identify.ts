/** Which cluster this is, also while it does not answer: the stores remember. */
import { clusters } from '../catalog/clusters.ts';
import type { Survey } from '../cluster/port.ts';
import type { ClusterId } from '../core/backup.ts';
import { Failure } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import type { EngineDeps } from './deps.ts';

/** Every cluster id that any store holds; stores that cannot be read are left out. */
export async function knownClusters(
  deps: Pick<EngineDeps, 'shelves'>,
  signal: AbortSignal,
): Promise<readonly ClusterId[]> {
  const found = await Promise.all(
    // What a store cannot tell now is told by whoever uses the store next.
    deps.shelves.map(({ store }) => clusters(store, { signal }).catch(() => [])),
  );
  signal.throwIfAborted();
  return [...new Set(found.flat())].sort();
}

/**
 * The id that the cluster tells, else that of the newest backup with the configured cluster name;
 * undefined when neither is known. A rebuilt cluster has another id and a catalog of its own.
 */
export async function identifyCluster(
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<ClusterId | undefined> {
  try {
    const survey = await deps.cluster.survey({ signal });
    tellAlarms(survey, deps);
    return survey.clusterId;
  } catch {
    signal.throwIfAborted();
    return (await newestOfName(deps, signal))?.cluster.id;
  }
}

/** Tells the alarms of the cluster; nothing where no voter could be asked: none is known then. */
export function tellAlarms({ alarms }: Survey, deps: Pick<EngineDeps, 'observe'>): void {
  if (alarms instanceof Failure) return;
  const told = alarms.map(({ member, kind }) => ({ member, kind }));
  deps.observe({ kind: 'alarms-read', alarms: told });
}

async function newestOfName(deps: EngineDeps, signal: AbortSignal): Promise<Manifest | undefined> {
  const ids = await knownClusters(deps, signal);
  const newest = await Promise.all(
    deps.shelves.flatMap(({ store }) =>
      ids.map((id) =>
        deps
          .openCatalog(store, id)
          .latestProved({ signal })
          .catch(() => undefined),
      ),
    ),
  );
  return newest
    .filter((manifest) => manifest?.cluster.name === deps.clusterName)
    .sort((a, b) => Number(b?.startedAt) - Number(a?.startedAt))[0];
}
