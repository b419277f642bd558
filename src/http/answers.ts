/** What the admin API shows, as schemas. The answers of real daemons are held against them. */
import { backupSteps } from '../core/events.ts';
import { jobKinds, jobStates } from '../core/jobs.ts';
import { restoreSteps } from '../core/restore.ts';
import {
  backupId,
  bytes,
  count,
  digits,
  fact,
  hex16,
  list,
  millis,
  named,
  object,
  oneOf,
  orNull,
  proofName,
  proofOutcome,
  record,
  type Schema,
  sha256,
  text,
  time,
  truth,
  workId,
} from './schema.ts';
import { statusSchema } from './status-schema.ts';

const problem = object({
  type: { const: 'about:blank' },
  title: text,
  status: { type: 'integer', minimum: 400, maximum: 599 },
  code: { type: 'string', pattern: '^[a-z-]+$', description: 'closed list: a word for programs' },
  detail: { ...text, description: 'what happened' },
  hint: { ...text, description: 'what to do' },
});

/** Why something came to no good end, within an answer that is good itself. */
const reason = object({ code: text, detail: text, hint: text });

const unreadable = object({ store: text, code: text, message: text, hint: text });

const encryption = object({ scheme: oneOf(['age']), recipients: list(text) });

const authentication = object({
  mac: orNull(sha256),
  signature: orNull(object({ scheme: oneOf(['ed25519']), key: hex16, value: text })),
});

const member = object({ id: hex16, name: text, peerUrls: list(text), learner: truth });

const backup = {
  ...object(
    {
      store: { ...text, description: 'the store that has this copy' },
      format: count,
      id: backupId,
      cluster: object({ id: hex16, name: text }),
      source: object({
        memberId: hex16,
        name: text,
        endpoint: text,
        role: oneOf(['follower', 'leader', 'learner']),
        serverVersion: text,
        storageVersion: orNull(text),
      }),
      revision: digits,
      compactRevision: orNull(digits),
      keys: count,
      totalRows: count,
      statusHash: count,
      hashKv: object({ revision: digits, compactRevision: orNull(digits), hash: count }),
      found: object({
        members: list(member),
        alarms: list(object({ member: hex16, kind: text })),
        leases: count,
        authEnabled: truth,
      }),
      raw: object({ sizeBytes: bytes, sha256 }),
      sealed: object({
        object: text,
        sizeBytes: bytes,
        sha256,
        codec: oneOf(['none', 'gzip', 'zstd']),
        encryption: orNull(encryption),
      }),
      startedAt: time,
      finishedAt: time,
      slot: orNull(time),
      steps: record(millis),
      proofs: record(
        object({ at: time, outcome: proofOutcome, evidence: record(fact) }),
        proofName,
      ),
      program: object({ version: text, node: text }),
      host: text,
      hold: orNull(object({ at: time, reason: text })),
      labels: record(text),
      authentication,
    },
    { but: ['authentication'] },
  ),
  description: 'The manifest of a backup, and the store that has it. Later versions add keys.',
};

const decision = object({ id: backupId, startedAt: time, keep: truth, reasons: list(text) });

const retentionPlan = object({
  cluster: orNull(hex16),
  stores: list(object({ store: text, decisions: list(decision) })),
  unreadable: list(unreadable),
});

const progress = object({ doneBytes: bytes, totalBytes: bytes });

const job = object({
  id: workId,
  kind: oneOf(jobKinds),
  state: oneOf(jobStates),
  subject: {
    ...orNull({ type: 'object' }),
    description: 'what it is about: of a verification the backup, the store and whether it is deep',
  },
  askedAt: { ...orNull(time), description: 'null: nobody asked, it was due' },
  startedAt: orNull(time),
  endedAt: orNull(time),
  step: {
    ...orNull(oneOf([...new Set([...backupSteps, ...restoreSteps])])),
    description: 'of a backup, or of the restore in a drill',
  },
  progress: orNull(progress),
  outcome: {
    ...orNull({ type: 'object', required: ['result'], properties: { result: text } }),
    description: 'what came of it: a result, and facts by its kind',
  },
  problem: orNull(reason),
});

const passedOver = object({ backup: backupId, code: text, message: text });

const restoreReport = object({
  backup: backupId,
  store: text,
  takenAt: time,
  leastEtcd: orNull({ ...text, description: 'the oldest that serves it, as 3.5' }),
  dryRun: truth,
  dataDir: text,
  aside: orNull(text),
  member: object({ name: text, id: hex16 }),
  cluster: object({ id: hex16, token: text }),
  revision: digits,
  keys: count,
  sizeBytes: bytes,
  alarms: list(text),
  leases: count,
  authEnabled: truth,
  passedOver: list(passedOver),
  warnings: list(text),
  steps: record(millis),
});

const restore = object({
  id: workId,
  state: oneOf(['running', 'succeeded', 'failed']),
  stage: orNull(oneOf(restoreSteps)),
  progress: orNull(progress),
  dataDir: text,
  dryRun: truth,
  startedAt: time,
  endedAt: orNull(time),
  report: orNull(restoreReport),
  problem: orNull(reason),
});

/** What the document names. */
export const components: Readonly<Record<string, Schema>> = {
  Problem: problem,
  Unreadable: unreadable,
  Backup: backup,
  RetentionPlan: retentionPlan,
  Job: job,
  Restore: restore,
  Status: statusSchema,
};

/** The answer to work that was asked for. */
export const taken: Schema = object({
  status: oneOf(['accepted', 'already-running']),
  job: named('Job'),
});

export const copies: Schema = object({ backups: list(named('Backup')) });
