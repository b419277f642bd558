/**
 * The story of a drill: a restore that is done only as a proof. What a store holds is restored into
 * a folder of its own and served by a real etcd, which has to have what the manifest tells.
 */
import { join } from 'node:path';
import { scratchMember } from '../cluster/scratch-port.ts';
import type { BackupId } from '../core/backup.ts';
import { Failure, type FailureCode, toFailure } from '../core/errors.ts';
import type { Manifest, Proof } from '../core/manifest.ts';
import type { RestoreOrder } from '../core/restore.ts';
import { type Candidate, candidates, type Wanted } from './candidates.ts';
import { asFailure, compareServed } from './compare-served.ts';
import type { DrillDeps, RestoreDeps } from './deps.ts';
import { writerOf } from './preflight.ts';
import { sweepSpool } from './prepare.ts';
import { restoreBackup } from './restore.ts';
import { judgeVersions } from './version-rules.ts';

export type DrillWanted = Pick<Wanted, 'backup' | 'store' | 'cluster'>;

export type DrillReport =
  | {
      readonly outcome: 'passed';
      readonly backup: BackupId;
      readonly store: string;
      readonly evidence: Proof['evidence'];
    }
  | {
      readonly outcome: 'failed';
      /** Null: none could be chosen. */
      readonly backup: BackupId | null;
      readonly store: string | null;
      readonly failure: Failure;
    }
  | { readonly outcome: 'skipped'; readonly failure: Failure };

interface Limits {
  readonly signal: AbortSignal;
}

/** Failures that speak of the stored copy. All others say nothing against it. */
const verdicts: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'object-damaged',
  'snapshot-corrupt',
  'drill-failed',
]);

/** What to do where the same failure of a restore has another remedy. */
const hints: Partial<Record<FailureCode, string>> = {
  'restore-full': 'Free space in spool.dir: a drill needs as much as the database, and some more.',
  'restore-failed': 'Check that spool.dir is writable by this user, and that its disk is healthy.',
  'etcd-start': 'The reason is in the message. It ran on a copy: nothing else was touched.',
  'timed-out': 'Give it more time with drill.startLimit, or look at the disk of spool.dir.',
};

/**
 * Drills one stored copy and writes the verdict into its manifest. Every end is told as an event
 * and reported; only an abort is thrown. Whatever happens, no process and no folder is left.
 */
export async function runDrill(
  wanted: DrillWanted,
  deps: DrillDeps,
  { signal }: Limits,
): Promise<DrillReport> {
  const etcdVersion = await deps.drill.etcd.version({ signal }).catch(asFailure(signal));
  if (etcdVersion instanceof Failure) return skip('no-etcd', etcdVersion, deps);
  const copy = await chooseCopy(wanted, deps, signal).catch(asFailure(signal));
  if (copy instanceof Failure) {
    const hasNone = wanted.backup === 'latest' && copy.code === 'backup-missing';
    return hasNone ? skip('no-backup', copy, deps) : fail(undefined, copy, deps);
  }
  const startedMs = performance.now();
  const { manifest, shelf } = copy;
  const about = { backup: manifest.id, store: shelf.store.name };
  deps.observe({ kind: 'drill-started', ...about });
  try {
    const served = await restoreAndServe(copy, etcdVersion, deps, signal);
    const tookMs = Math.round(performance.now() - startedMs);
    const evidence = { etcd: etcdVersion, ...served, tookMs };
    await record(copy, 'passed', evidence, deps, signal);
    deps.observe({ kind: 'drill-finished', ...about, tookMs });
    return { outcome: 'passed', ...about, evidence };
  } catch (error) {
    const failure = asFailure(signal)(error);
    if (verdicts.has(failure.code)) {
      const evidence = { etcd: etcdVersion, reason: failure.message };
      // The drill's failure is the one to tell, also where it cannot be written down.
      await record(copy, 'failed', evidence, deps, signal).catch(() => undefined);
    }
    return fail(copy, failure, deps);
  }
}

/**
 * Of the backup that is wanted, the copy in the store whose last drill is the longest ago: where
 * there are several stores, each gets its turn.
 */
async function chooseCopy(
  wanted: DrillWanted,
  deps: DrillDeps,
  signal: AbortSignal,
): Promise<Candidate> {
  await sweepSpool(deps);
  const found = await candidates({ ...wanted, before: null }, deps, signal);
  const lastDrill = ({ shelf }: Candidate): number => {
    const here = found.filter((other) => other.shelf === shelf);
    return Math.max(...here.map(({ manifest }) => manifest.proofs.restored?.at.getTime() ?? 0));
  };
  const [copy] = found
    .filter(({ manifest }) => manifest.id === found[0]?.manifest.id)
    .sort((a, b) => lastDrill(a) - lastDrill(b));
  if (copy === undefined) throw new Failure('internal', 'there was no candidate');
  return copy;
}

async function restoreAndServe(
  { manifest, shelf }: Candidate,
  etcdVersion: string,
  deps: DrillDeps,
  signal: AbortSignal,
): Promise<Proof['evidence']> {
  requireServable(manifest, etcdVersion);
  const { etcd: program, startLimitMs } = deps.drill;
  await using scratch = await deps.spool.scratch(manifest.raw.sizeBytes);
  const dataDir = join(scratch.path, 'data');
  const { id, cluster } = manifest;
  const wanted = { backup: id, before: null, store: shelf.store.name, cluster: cluster.id };
  const order = orderFor(dataDir, etcdVersion);
  const restored = await restoreBackup(wanted, order, quietDeps(deps), { signal });
  const plan = { folder: scratch.path, dataDir, cluster: restored.cluster.id, startLimitMs };
  await using etcd = await program.serve(plan, { signal });
  return await compareServed(etcd, manifest, signal);
}

/** A backup that is not proved may be drilled all the same: that is how it gets its proof. */
function orderFor(dataDir: string, etcdVersion: string): RestoreOrder {
  const { name } = scratchMember;
  return {
    member: { dataDir, name, initialCluster: [scratchMember], initialClusterToken: 'drill' },
    bumpRevision: null,
    // A member with an alarm of a full disk does not call itself healthy.
    clearAlarms: true,
    owner: null,
    etcdVersion,
    force: true,
    fallback: false,
    dryRun: false,
  };
}

/**
 * The programs around a restore are for the real one; its events too, but for the signs of life.
 */
function quietDeps(deps: DrillDeps): RestoreDeps {
  return {
    ...deps,
    restore: { roots: [], before: [], after: [], hookLimitMs: 0 },
    observe: (event) => {
      const isSign = event.kind === 'restore-step-finished' || event.kind === 'restore-advanced';
      if (isSign) deps.observe(event);
    },
  };
}

function requireServable(manifest: Manifest, etcdVersion: string): void {
  try {
    judgeVersions(writerOf(manifest), etcdVersion, false);
  } catch (error) {
    const hint = 'Point drill.etcdBinary at an etcd as new as the one that wrote the backup.';
    throw new Failure('restore-refused', toFailure(error).message, { cause: error, hint });
  }
}

async function record(
  { catalog, manifest }: Candidate,
  outcome: 'passed' | 'failed',
  evidence: Proof['evidence'],
  deps: DrillDeps,
  signal: AbortSignal,
): Promise<void> {
  const restored: Proof = { at: deps.now(), outcome, evidence };
  await catalog.amend(
    manifest.id,
    (current) => ({ ...current, proofs: { ...current.proofs, restored } }),
    { signal },
  );
}

function skip(reason: 'no-etcd' | 'no-backup', failure: Failure, deps: DrillDeps): DrillReport {
  deps.observe({ kind: 'drill-skipped', reason, detail: failure.message });
  return { outcome: 'skipped', failure };
}

function fail(copy: Candidate | undefined, told: Failure, deps: DrillDeps): DrillReport {
  const { code, message, context } = told;
  const hint = hints[code];
  const failure =
    hint === undefined ? told : new Failure(code, message, { cause: told, context, hint });
  const about = { backup: copy?.manifest.id ?? null, store: copy?.shelf.store.name ?? null };
  deps.observe({ kind: 'drill-failed', ...about, failure });
  return { outcome: 'failed', ...about, failure };
}
