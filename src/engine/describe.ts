/** Writes down what is known of a backup: the manifest, still without the proof of a store. */
import type { Survey } from '../cluster/port.ts';
import { type Manifest, manifestFormat, type Proof } from '../core/manifest.ts';
import { composeBackupId } from '../core/names.ts';
import type { EngineDeps } from './deps.ts';
import type { DrawnSnapshot } from './draw.ts';

export interface BackupParts {
  readonly startedAt: Date;
  readonly slot: Date | null;
  readonly survey: Survey;
  readonly drawn: DrawnSnapshot;
  readonly agreed: Proof;
  /** HashKV of the file at its own revision and compaction. */
  readonly contentHash: number;
  readonly sealed: Manifest['sealed'];
  readonly steps: Readonly<Record<string, number>>;
}

export function describeBackup(parts: BackupParts, deps: EngineDeps): Manifest {
  const { startedAt, survey, drawn, sealed } = parts;
  const { facts, digests } = drawn.proved;
  const id = composeBackupId(startedAt, facts.revision, drawn.sending.suffix);
  return {
    format: manifestFormat,
    id,
    cluster: { id: survey.clusterId, name: deps.clusterName },
    source: describeSource(drawn),
    revision: facts.revision,
    compactRevision: facts.compactRevision,
    keys: facts.keys,
    totalRows: facts.totalRows,
    statusHash: facts.statusHash,
    hashKv: {
      revision: facts.currentRevision,
      compactRevision: facts.compactRevision,
      hash: parts.contentHash,
    },
    found: describeContent(drawn),
    raw: { sizeBytes: drawn.sizeBytes, sha256: digests.fileSha256 },
    sealed,
    startedAt,
    finishedAt: deps.now(),
    slot: parts.slot,
    steps: parts.steps,
    proofs: { received: drawn.received, sound: drawn.sound, agreed: parts.agreed },
    program: deps.program,
    host: deps.host,
    hold: null,
    labels: {},
  };
}

function describeSource(drawn: DrawnSnapshot): Manifest['source'] {
  const { member, role } = drawn.source;
  return {
    memberId: member.id,
    name: member.name,
    endpoint: member.endpoint ?? '',
    role,
    serverVersion: member.status.serverVersion,
    storageVersion: drawn.proved.facts.storageVersion,
  };
}

function describeContent(drawn: DrawnSnapshot): Manifest['found'] {
  const { members, alarms, leases, auth } = drawn.proved.facts;
  return {
    members: members.map(({ id, name, peerUrls, learner }) => ({ id, name, peerUrls, learner })),
    alarms: alarms.map(({ member, kind }) => ({ member, kind: String(kind) })),
    leases: leases.count,
    authEnabled: auth.enabled,
  };
}
