/**
 * Draws a proved snapshot: from the best source, else from the next one. A source that breaks off,
 * stalls or sends damaged data is not asked again in this run.
 */
import { type Judgement, noSource, rankSources } from '../cluster/choose.ts';
import type { Member, MemberStatus, Survey } from '../cluster/port.ts';
import type { Revision } from '../core/backup.ts';
import { Failure, type FailureCode, toFailure } from '../core/errors.ts';
import type { BackupStep } from '../core/events.ts';
import type { Proof } from '../core/manifest.ts';
import { type Drained, drain } from '../spool/drain.ts';
import type { SpoolFile } from '../spool/file.ts';
import type { ProvedFile, Prover } from '../spool/prover.ts';
import { changesBytes } from '../stream/seal.ts';
import type { EngineDeps } from './deps.ts';
import { type Sending, startSending } from './sending.ts';
import type { Stopwatch } from './stopwatch.ts';

export interface Source {
  readonly member: Member & { readonly status: MemberStatus };
  readonly role: 'follower' | 'leader';
  readonly reason: string;
}

/** A received and sound snapshot in the spool. Disposing removes what no store has by then. */
export interface DrawnSnapshot extends AsyncDisposable {
  readonly source: Source;
  /** On its way into the stores already. */
  readonly sending: Sending;
  readonly sizeBytes: number;
  readonly prover: Prover;
  readonly proved: ProvedFile;
  readonly received: Proof;
  readonly sound: Proof;
}

/** Failures that speak of one member, so that another may do better. */
const memberFaults: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'cluster-unreachable',
  'cluster-tls',
  'snapshot-refused',
  'stream-stalled',
  'stream-broken',
  'snapshot-corrupt',
  'snapshot-stale',
  'timed-out',
]);

export interface DrawOrder {
  readonly survey: Survey;
  readonly slot: Date | null;
  readonly startedAt: Date;
}

export async function drawSnapshot(
  asked: DrawOrder,
  steps: Stopwatch<BackupStep>,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<DrawnSnapshot> {
  const judgements = rankSources(asked.survey, deps.source.choose, asked.slot);
  let failure = noSource(judgements);
  for (const judgement of judgements) {
    const source = sourceOf(judgement);
    if (source === undefined) continue;
    try {
      return await drawFrom(source, asked, steps, deps, signal);
    } catch (error) {
      signal.throwIfAborted();
      failure = toFailure(error);
      const { id, name } = source.member;
      deps.observe({ kind: 'source-failed', member: id, name, failure });
      if (!memberFaults.has(failure.code)) throw failure;
    }
  }
  throw failure;
}

function sourceOf(judgement: Judgement): Source | undefined {
  const { member, eligible, role, reason } = judgement;
  const { status } = member;
  if (!eligible || status instanceof Failure) return undefined;
  return { member: { ...member, status }, role: role === 'leader' ? 'leader' : 'follower', reason };
}

async function drawFrom(
  source: Source,
  { survey, startedAt }: DrawOrder,
  steps: Stopwatch<BackupStep>,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<DrawnSnapshot> {
  const { member, role, reason } = source;
  deps.observe({
    kind: 'member-chosen',
    cluster: survey.clusterId,
    member: member.id,
    name: member.name,
    endpoint: member.endpoint ?? '',
    role,
    reason,
  });
  await using opened = new AsyncDisposableStack();
  const confirmed = await confirm(source, deps, signal);
  const aboutBytes = member.status.databaseBytes;
  const file = opened.use(await deps.spool.create(aboutBytes, changesBytes(deps.seal) ? 2 : 1));
  const prover = opened.use(deps.prove(file));
  const order = { cluster: survey.clusterId, startedAt, drawn: file, aboutBytes };
  const sending = opened.use(await startSending(order, deps, signal));
  const drained = await steps.time('drain', () => drainInto(file, prover, source, deps, signal));
  const receivedAt = deps.now();
  const proved = await steps.time('prove', () => prover.finish(drained.sizeBytes));
  requireFresh(proved, confirmed, source);
  const proofs = {
    received: receivedProof(receivedAt, drained, proved),
    sound: soundProof(deps.now(), proved),
  };
  for (const proof of ['received', 'sound'] as const) {
    const { outcome, evidence } = proofs[proof];
    deps.observe({ kind: 'proof-finished', proof, store: null, outcome, evidence });
  }
  const held = opened.move();
  return {
    source,
    sending,
    sizeBytes: drained.sizeBytes,
    prover,
    proved,
    ...proofs,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Without a quorum nothing can be confirmed, and the backup is wanted all the more. */
async function confirm(
  source: Source,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<Revision | undefined> {
  if (source.member.status.leader === undefined) return undefined;
  try {
    return await deps.cluster.confirmedRevision(source.member, { signal });
  } catch (error) {
    signal.throwIfAborted();
    const failure = toFailure(error);
    if (failure.code === 'cluster-unreachable' || failure.code === 'timed-out') return undefined;
    throw failure;
  }
}

async function drainInto(
  file: SpoolFile,
  prover: Prover,
  source: Source,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<Drained> {
  const startedMs = performance.now();
  const drained = await drain({
    open: (ending) => deps.cluster.snapshot(source.member, { signal: ending }),
    file,
    signal,
    stallTimeoutMs: deps.source.stallTimeoutMs,
    onProgress: (doneBytes, totalBytes) => {
      prover.advance(doneBytes);
      deps.observe({ kind: 'step-advanced', step: 'drain', doneBytes, totalBytes });
    },
  });
  const tookMs = Math.round(performance.now() - startedMs);
  const { sizeBytes } = drained;
  deps.observe({ kind: 'snapshot-drained', member: source.member.id, sizeBytes, tookMs });
  return drained;
}

function requireFresh(proved: ProvedFile, confirmed: Revision | undefined, source: Source): void {
  const { currentRevision } = proved.facts;
  if (confirmed === undefined || currentRevision >= confirmed) return;
  const { name } = source.member;
  const reached = `revision ${currentRevision}, behind the confirmed ${confirmed}`;
  throw new Failure('snapshot-stale', `the snapshot of ${name} ends at ${reached}`);
}

function receivedProof(at: Date, drained: Drained, proved: ProvedFile): Proof {
  const { databaseSha256 } = proved.digests;
  return { at, outcome: 'passed', evidence: { bytes: drained.sizeBytes, trailer: databaseSha256 } };
}

function soundProof(at: Date, proved: ProvedFile): Proof {
  const { facts } = proved;
  const evidence = {
    statusHash: facts.statusHash,
    revision: facts.revision.toString(),
    keys: facts.keys,
    totalRows: facts.totalRows,
    pages: facts.databaseBytes / facts.pageSize,
  };
  return { at, outcome: 'passed', evidence };
}
