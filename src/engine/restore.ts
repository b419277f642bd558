/** The story of a restore. It never destroys: what was there is moved aside, at the very end. */
import { clusterId, memberId, type Revision, revision } from '../core/backup.ts';
import { Failure, toFailure } from '../core/errors.ts';
import { isProved, type Manifest } from '../core/manifest.ts';
import { isOfOneCopy } from '../core/reading.ts';
import type { RestoreOrder, RestoreReport, RestoreStep } from '../core/restore.ts';
import { Building } from '../datadir/building.ts';
import { datadirFailure } from '../datadir/failure.ts';
import { runHooks, runInOrder, undoHooks } from '../datadir/hooks.ts';
import { swapIn } from '../datadir/swap.ts';
import { type NewCluster, newCluster } from '../format/new-cluster.ts';
import type { SnapshotFacts } from '../format/snapshot-facts.ts';
import type { ProvedFile } from '../spool/prover.ts';
import { type Candidate, candidates, type Wanted } from './candidates.ts';
import type { RestoreDeps } from './deps.ts';
import { fetchInto, type Opener, openerFor, proveSame } from './fetch.ts';
import { type Approved, approve, requireStopped } from './preflight.ts';
import { Stopwatch } from './stopwatch.ts';

/**
 * Builds the data directory of one member from the first candidate that passes every check, and
 * puts it in its place. Whatever it throws, the old data directory is where it was, unless the
 * failure says that only a program of the operator failed after the swap.
 */
export async function restoreBackup(
  wanted: Wanted,
  order: RestoreOrder,
  deps: RestoreDeps,
  options: { readonly signal: AbortSignal },
): Promise<RestoreReport> {
  const { dataDir } = order.member;
  const { dryRun } = order;
  deps.observe({ kind: 'restore-started', dataDir, dryRun });
  try {
    const report = await restoreFirst(wanted, order, deps, options.signal);
    const { backup, aside } = report;
    deps.observe({ kind: 'restore-finished', backup, dataDir, aside, dryRun });
    return report;
  } catch (error) {
    const failure = toFailure(error);
    deps.observe({ kind: 'restore-failed', dataDir, failure });
    throw failure;
  }
}

/** From the first candidate that passes every check. */
async function restoreFirst(
  wanted: Wanted,
  order: RestoreOrder,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const steps = new Stopwatch<RestoreStep>((step, tookMs) =>
    deps.observe({ kind: 'restore-step-finished', step, tookMs }),
  );
  const found = await steps.time('choose', () => candidates(wanted, deps, signal));
  const passedOver = [...(wanted.passedOver ?? [])];
  let failed: Failure | undefined;
  for (const candidate of found) {
    const isOlder = candidate.manifest.id !== found[0]?.manifest.id;
    if (isOlder && !order.fallback) break;
    try {
      return { ...(await restoreFrom(candidate, order, steps, deps, signal)), passedOver };
    } catch (error) {
      const failure = toFailure(error);
      // What failed after the swap must be told as it is, whoever else gave up meanwhile.
      if (failure.code !== 'restore-failed') signal.throwIfAborted();
      if (!isOfOneCopy(failure)) throw failure;
      const { manifest, shelf } = candidate;
      failed ??= failure;
      passedOver.push({ backup: manifest.id, failure });
      const store = shelf.store.name;
      deps.observe({ kind: 'restore-passed-over', backup: manifest.id, store, failure });
    }
  }
  throw failed ?? new Failure('internal', 'there was no candidate');
}

async function restoreFrom(
  candidate: Candidate,
  order: RestoreOrder,
  steps: Stopwatch<RestoreStep>,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<Omit<RestoreReport, 'passedOver'>> {
  const { manifest } = candidate;
  const { store } = candidate.shelf;
  requireProved(manifest, order);
  const opener = openerFor(manifest, deps);
  const cluster = newCluster(order.member.initialCluster, order.member.initialClusterToken);
  const approved = await steps.time('preflight', () => approve(manifest, order, deps));
  await using building = await Building.begin(approved.place, manifest.raw.sizeBytes);
  const proved = await fetchAndProve(building, candidate, opener, steps, deps, signal);
  const { facts } = proved;
  await steps.time('build', async () => {
    const { bumpRevision, clearAlarms } = order;
    const { forgetVersions } = approved;
    const as = { cluster, bumpRevision, clearAlarms, forgetVersions };
    await building.become(order.member.name, as, facts.databaseBytes);
    await building.settle(order.owner ?? approved.place.owner);
  });
  signal.throwIfAborted();
  const aside = order.dryRun
    ? null
    : await steps.time('swap', () => swap(building, approved, deps, signal));
  const summary = summaryOf(manifest, facts, order, cluster);
  const { warnings, leastEtcd } = approved;
  return { ...summary, store: store.name, aside, leastEtcd, warnings, steps: steps.steps };
}

async function fetchAndProve(
  building: Building,
  { manifest, shelf: { store } }: Candidate,
  opener: Opener,
  steps: Stopwatch<RestoreStep>,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<ProvedFile> {
  const { database } = building;
  await using prover = deps.prove(database);
  const onProgress = (doneBytes: number, totalBytes: number): void =>
    deps.observe({ kind: 'restore-advanced', doneBytes, totalBytes });
  const options = { signal, onProgress };
  await steps.time('fetch', () =>
    fetchInto({ file: database, prover }, manifest, store, opener, options).catch(failureOfPlace),
  );
  return await steps.time('prove', () => proveSame(prover, database, manifest, store, signal));
}

/** The snapshot goes straight into the new directory: its disk is at fault, not that of a spool. */
function failureOfPlace(error: unknown): never {
  throw error instanceof Failure ? datadirFailure(error, 'write') : error;
}

/** Until here nothing was touched; from here on, everything that fails is undone. */
async function swap(
  building: Building,
  { place }: Approved,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<string | null> {
  const { before, after, hookLimitMs } = deps.restore;
  const limits = { limitMs: hookLimitMs, signal };
  await runHooks(before, limits);
  let aside: string | null;
  try {
    await requireStopped(place);
    signal.throwIfAborted();
    aside = await swapIn(building, place, deps.now());
  } catch (error) {
    throw await undoHooks(before, limits, error);
  }
  try {
    // No abort any more: half of the cluster's programs started would be worse than all.
    await runInOrder(after, { ...limits, signal: new AbortController().signal });
  } catch (error) {
    const { message } = toFailure(error);
    const old = aside === null ? '' : `, the old data is ${aside}`;
    const hint = `The new data directory IS in its place${old}. Start by hand what is not running.`;
    throw new Failure('restore-failed', message, { cause: error, hint });
  }
  return aside;
}

function requireProved(manifest: Manifest, { force }: RestoreOrder): void {
  if (isProved(manifest) || force) return;
  const failed = Object.entries(manifest.proofs).find(([, proof]) => proof.outcome === 'failed');
  const reason = failed === undefined ? 'it lacks a proof' : `its proof ${failed[0]} failed`;
  throw new Failure('restore-refused', `backup ${manifest.id} is not proved: ${reason}`, {
    hint: 'Take another backup ("list" shows their proofs); --force takes this one all the same.',
  });
}

function summaryOf(
  manifest: Manifest,
  facts: SnapshotFacts,
  order: RestoreOrder,
  cluster: NewCluster,
): Omit<RestoreReport, 'store' | 'aside' | 'leastEtcd' | 'warnings' | 'steps' | 'passedOver'> {
  const { member, bumpRevision, clearAlarms, dryRun } = order;
  const own = cluster.members.find(({ name }) => name === member.name);
  const reached: Revision = revision(facts.currentRevision + (bumpRevision ?? 0n));
  return {
    backup: manifest.id,
    takenAt: manifest.startedAt,
    dryRun,
    dataDir: member.dataDir,
    member: { name: member.name, id: memberId(own?.id ?? 0n) },
    cluster: { id: clusterId(cluster.id), token: member.initialClusterToken },
    revision: reached,
    keys: facts.keys,
    sizeBytes: facts.databaseBytes,
    alarms: clearAlarms ? [] : facts.alarms.map(({ kind }) => String(kind)),
    leases: facts.leases.count,
    authEnabled: facts.auth.enabled,
  };
}
