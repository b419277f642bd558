/** Restores that the admin API asks for, done by the engine. */
import { Failure, toFailure } from '../core/errors.ts';
import type { RestoreReport } from '../core/restore.ts';
import type { WorkOptions } from '../daemon/job.ts';
import { Restores } from '../daemon/restores.ts';
import type { Wanted } from '../engine/candidates.ts';
import type { RestoreDeps } from '../engine/deps.ts';
import { orderOf, planRestore, type RestoreAsked } from '../engine/plan-restore.ts';
import { restoreBackup } from '../engine/restore.ts';
import type { Residence } from './residence.ts';

/** Each restore ends in the house that it began in. */
export function askedRestores(residence: Residence): Restores {
  const { observe, now, suffix } = residence.deps;
  return new Restores({
    get roots() {
      return residence.deps.restore.roots;
    },
    restore: (wanted, asked, options) =>
      residence.use((deps, { config: { cluster } }) =>
        restoreAsked(wanted, asked, { ...deps, localMember: cluster.localMember }, options),
      ),
    observe,
    now,
    suffix,
  });
}

async function restoreAsked(
  wanted: Wanted,
  asked: RestoreAsked,
  deps: RestoreDeps & { readonly localMember: string | null },
  { signal, observe }: WorkOptions,
): Promise<RestoreReport> {
  const told = { ...deps, observe };
  const { dataDir } = asked;
  let planned: ReturnType<typeof orderOf>;
  try {
    const plan = await planRestore(wanted, asked, told, signal);
    planned = orderOf(plan, asked, deps.localMember);
  } catch (error) {
    const failure = inWordsOfTheApi(toFailure(error));
    observe({ kind: 'restore-failed', dataDir, failure });
    throw failure;
  }
  const pinned = { ...wanted, ...planned.wanted, before: null };
  return await restoreBackup(pinned, planned.order, told, { signal });
}

/** Usual hints name options of the command line. */
function inWordsOfTheApi(failure: Failure): Failure {
  if (failure.code !== 'usage') return failure;
  const hint = 'Name what is missing: name, initialCluster, or one initialClusterToken for all.';
  return new Failure('usage', failure.message, { cause: failure, hint });
}
