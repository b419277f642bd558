/**
 * The proof `agreed`: other voters are asked for their content hash at the snapshot's revision, and
 * each answer is compared with the hash recomputed from the file under the same compaction. Answers
 * that cannot be compared are inconclusive, never a pass.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContentHash, Member, MemberStatus, Survey } from '../cluster/port.ts';
import type { ProofOutcome, Revision } from '../core/backup.ts';
import { Failure, toFailure } from '../core/errors.ts';
import type { Proof } from '../core/manifest.ts';
import { formatBytes } from '../core/units.ts';
import type { EngineDeps } from './deps.ts';
import type { DrawnSnapshot } from './draw.ts';

type Verdict = 'equal' | 'different' | 'incomparable';

interface Answer {
  readonly member: string;
  readonly verdict: Verdict;
  readonly detail: string;
}

/** A member may be a little behind the source: it is asked again before it counts as no answer. */
const triesPerMember = 4;
const retryDelayMs = 500;

export async function agree(
  drawn: DrawnSnapshot,
  survey: Survey,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<Proof> {
  const tell = (outcome: ProofOutcome, evidence: Proof['evidence']): Proof => {
    deps.observe({ kind: 'proof-finished', proof: 'agreed', store: null, outcome, evidence });
    return { at: deps.now(), outcome, evidence };
  };
  const skipped = reasonToSkip(drawn, deps);
  if (skipped !== undefined) return tell('skipped', { reason: skipped });

  const at = drawn.proved.facts.currentRevision;
  const others = survey.members.filter((member) => isVoterBesides(drawn, member));
  const answers = await Promise.all(
    others.map((member) => compare(member, at, drawn, deps, signal)),
  );
  signal.throwIfAborted();

  const outcome = outcomeOf(answers);
  if (outcome === 'failed') {
    const different = answers.filter((answer) => answer.verdict === 'different');
    deps.observe({
      kind: 'hash-mismatched',
      revision: at,
      members: different.map((answer) => answer.member),
      evidence: different.map((answer) => answer.detail).join('; '),
    });
  }
  return tell(outcome, evidenceOf(at, answers));
}

function reasonToSkip(drawn: DrawnSnapshot, deps: EngineDeps): string | undefined {
  const { agreement, agreementMaxBytes } = deps.source;
  if (agreement === 'never') return 'source.requireAgreement is never';
  const bytes = drawn.proved.facts.databaseBytes;
  if (agreement === 'always' || bytes <= agreementMaxBytes) return undefined;
  const sizes = `${formatBytes(bytes)}, more than ${formatBytes(agreementMaxBytes)}`;
  return `the database has ${sizes}: hashing it would hold up writes on the other members`;
}

function isVoterBesides(drawn: DrawnSnapshot, member: Member): boolean {
  return member.id !== drawn.source.member.id && !member.learner;
}

async function compare(
  member: Member,
  at: Revision,
  drawn: DrawnSnapshot,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<Answer> {
  const name = member.name || member.id;
  try {
    const theirs = await askHash(member, at, deps, signal);
    const ours = await drawn.prover.hashKv({
      revision: at,
      compactRevision: theirs.compactRevision ?? null,
    });
    const detail = `${name} has ${theirs.hash}, the snapshot ${ours}, at revision ${at}`;
    return { member: name, verdict: theirs.hash === ours ? 'equal' : 'different', detail };
  } catch (error) {
    // Whatever keeps a member from a comparable answer speaks neither for nor against the backup.
    return {
      member: name,
      verdict: 'incomparable',
      detail: `${name}: ${toFailure(error).message}`,
    };
  }
}

async function askHash(
  member: Member & { readonly status: MemberStatus | Failure },
  at: Revision,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<ContentHash> {
  if (member.status instanceof Failure) throw member.status;
  for (let left = triesPerMember - 1; ; left -= 1) {
    try {
      return await deps.cluster.hashKv(member, at, { signal });
    } catch (error) {
      if (left === 0 || toFailure(error).code !== 'revision-unavailable') throw error;
      await sleep(retryDelayMs, undefined, { signal });
    }
  }
}

function outcomeOf(answers: readonly Answer[]): ProofOutcome {
  if (answers.some((answer) => answer.verdict === 'different')) return 'failed';
  if (answers.some((answer) => answer.verdict === 'equal')) return 'passed';
  return 'inconclusive';
}

function evidenceOf(at: Revision, answers: readonly Answer[]): Proof['evidence'] {
  const equal = answers.filter((answer) => answer.verdict === 'equal');
  const agreed = equal.map((answer) => answer.member).join(', ');
  const reason = reasonOf(answers);
  return {
    revision: at.toString(),
    asked: answers.length,
    ...(agreed === '' ? {} : { agreed }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Why not every voter agreed. */
function reasonOf(answers: readonly Answer[]): string | undefined {
  if (answers.length === 0) return 'there is no other voter to ask';
  const notEqual = answers.filter((answer) => answer.verdict !== 'equal');
  if (notEqual.length === 0) return undefined;
  const details = notEqual.map((answer) => answer.detail).join('; ');
  const isSilent = answers.every((answer) => answer.verdict === 'incomparable');
  return isSilent ? `no voter gave an answer that can be compared: ${details}` : details;
}
