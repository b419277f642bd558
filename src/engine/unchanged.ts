/** Whether the newest backup still holds all that the cluster holds. */
import type { Survey } from '../cluster/port.ts';
import { Failure } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import type { EngineDeps } from './deps.ts';
import type { BackupOrder } from './order.ts';
import { trusts } from './trust.ts';

/**
 * The oldest of the newest proved backups of every store, if all of them are young enough, and the
 * cluster's revision and member set are those in their manifests; else undefined. They need not be
 * one backup: of several daemons each may have taken one. Any doubt is a change.
 */
export async function newestIfCurrent(
  survey: Survey,
  order: BackupOrder,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  if (order.skipUnchangedMs === 0) return undefined;
  const found = await newestEverywhere(survey, deps, signal);
  const [newest] = found.toSorted((a, b) => Number(a?.startedAt) - Number(b?.startedAt));
  if (newest === undefined) return undefined;
  const nowMs = deps.now().getTime();
  const confirmed = await confirmedRevision(survey, deps, signal);
  const areCurrent = found.every((manifest) => {
    if (manifest === undefined || manifest.hashKv.revision !== confirmed) return false;
    const ageMs = nowMs - manifest.startedAt.getTime();
    return ageMs >= 0 && ageMs < order.skipUnchangedMs && sameMembers(survey, manifest);
  });
  if (!areCurrent) return undefined;
  deps.observe({
    kind: 'run-skipped',
    reason: 'unchanged',
    newest: newest.id,
    revision: newest.revision,
  });
  return newest;
}

/** What a store may take to tell what it holds. The backup shall not wait for one that hangs. */
const lookLimitMs = 30_000;

async function newestEverywhere(
  survey: Survey,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<readonly (Manifest | undefined)[]> {
  const late = new AbortController();
  const limit = setTimeout(() => late.abort(), lookLimitMs);
  const either = AbortSignal.any([signal, late.signal]);
  const look = { signal: either, notAfter: deps.now(), trusts: trusts(deps.trust) };
  const found = await Promise.all(
    deps.shelves.map(({ store }) =>
      deps
        .openCatalog(store, survey.clusterId)
        .latestProved(look)
        // A store that cannot be read is a reason to take a backup, and the backup will tell.
        .catch(() => undefined),
    ),
  );
  clearTimeout(limit);
  signal.throwIfAborted();
  return found;
}

function sameMembers(survey: Survey, manifest: Manifest): boolean {
  const described = (members: readonly { id: string; learner: boolean }[]): string =>
    members
      .map(({ id, learner }) => `${id} ${learner}`)
      .sort()
      .join();
  return described(survey.members) === described(manifest.found.members);
}

/** The cluster's revision by any member that can confirm it. */
async function confirmedRevision(
  survey: Survey,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<bigint | undefined> {
  const voter = survey.members.find(
    (member) => !member.learner && !(member.status instanceof Failure),
  );
  if (voter === undefined) return undefined;
  try {
    return await deps.cluster.confirmedRevision(voter, { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  }
}
