/**
 * The JSON of a manifest. Decoding is strict and tells all problems at once; encoding is stable:
 * one manifest has one text. Keys of newer programs survive a decode and an encode (`codec.ts`).
 */
import {
  type BackupId,
  type ClusterId,
  clusterId,
  type MemberId,
  memberId,
  proofNames,
  proofOutcomes,
  type Revision,
  revision,
} from './backup.ts';
import { type Codec, listOf, nullable, parsed, plain, recordOf, shape } from './codec.ts';
import { Failure } from './errors.ts';
import { type Manifest, manifestFormat, type Proof } from './manifest.ts';
import { composeBackupId, parseBackupId } from './names.ts';

/** 4 MiB: a thousand times a manifest; what is larger is none, and is not read into memory. */
export const manifestLimitBytes = 4 * 1024 * 1024;

// Enough to see what is wrong; a manifest of garbage must not fill the log.
const problemsTold = 20;

/** Pretty JSON in a fixed order of keys, with a newline at the end. */
export function encodeManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifestCodec.encode(manifest), null, 2)}\n`;
}

/** Throws `manifest-invalid` with every problem; `where` says which manifest, for the message. */
export function decodeManifest(text: string, where: string): Manifest {
  if (text.length > manifestLimitBytes) throw invalid(where, ['it is larger than 4 MiB']);
  const json = parseJson(text, where);
  demandKnownFormat(json, where);
  const problems: string[] = [];
  const manifest = manifestCodec.decode(json, '', problems);
  if (manifest === undefined || problems.length > 0) throw invalid(where, problems);
  const contradictions = contradictionsOf(manifest);
  if (contradictions.length > 0) throw invalid(where, contradictions);
  return manifest;
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw invalid(where, ['it is not JSON'], thrown);
  }
}

// Before everything else: the other problems of a newer manifest would only mislead.
function demandKnownFormat(json: unknown, where: string): void {
  if (typeof json !== 'object' || json === null || !('format' in json)) return;
  if (typeof json.format !== 'number' || !(json.format > manifestFormat)) return;
  throw new Failure(
    'manifest-invalid',
    `${where}: format ${json.format} is newer than ${manifestFormat}, the newest known here`,
    { hint: 'A newer etcd-backupd wrote this manifest; read it with that version or a later one.' },
  );
}

function contradictionsOf(manifest: Manifest): string[] {
  const expected = composeBackupId(manifest.startedAt, manifest.revision);
  if (manifest.id === expected || manifest.id.startsWith(`${expected}-`)) return [];
  return [`id is ${manifest.id}, but startedAt and revision make ${expected}`];
}

function invalid(where: string, problems: readonly string[], cause?: unknown): Failure {
  const told = problems.slice(0, problemsTold).join('; ');
  const more = problems.length > problemsTold ? ` and ${problems.length - problemsTold} more` : '';
  return new Failure('manifest-invalid', `${where}: ${told}${more}`, { cause });
}

const text = plain('text', (json): json is string => typeof json === 'string');

const truth = plain('true or false', (json): json is boolean => typeof json === 'boolean');

const count = plain('a whole number from 0 to 2^53-1', (json): json is number => {
  return Number.isSafeInteger(json) && Number(json) >= 0;
});

const hash32 = plain('a whole number from 0 to 2^32-1', (json): json is number => {
  return Number.isSafeInteger(json) && Number(json) >= 0 && Number(json) <= 0xffffffff;
});

const duration = plain('milliseconds, 0 or more', (json): json is number => {
  return typeof json === 'number' && Number.isFinite(json) && json >= 0;
});

const sha256 = plain('64 lower-case hex digits', (json): json is string => {
  return typeof json === 'string' && /^[0-9a-f]{64}$/.test(json);
});

const fact = plain('text, a number, true or false', (json): json is string | number | boolean =>
  ['string', 'number', 'boolean'].includes(typeof json),
);

function oneOf<T extends string>(names: readonly T[]): Codec<T> {
  return plain(`one of ${names.join(', ')}`, (json): json is T => names.includes(json as T));
}

const time: Codec<Date> = parsed(
  'a time like 2026-11-20T15:45:00.000Z',
  (json) => {
    const value = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/.test(json) ? new Date(json) : null;
    if (value === null || Number.isNaN(value.getTime())) return undefined;
    // Date takes February 30th for March 2nd.
    return value.toISOString().slice(0, 19) === json.slice(0, 19) ? value : undefined;
  },
  (value) => value.toISOString(),
);

const revisionText: Codec<Revision> = parsed(
  'a revision in decimal digits',
  (json) => (/^(0|[1-9]\d{0,18})$/.test(json) ? orUndefined(() => revision(json)) : undefined),
  (value) => value.toString(),
);

function identity<T extends string>(what: string, parse: (json: string) => T): Codec<T> {
  return parsed(
    `a ${what} of 16 lower-case hex digits`,
    (json) => (/^[0-9a-f]{16}$/.test(json) ? parse(json) : undefined),
    (value) => value,
  );
}

const clusterIdText: Codec<ClusterId> = identity('cluster id', clusterId);
const memberIdText: Codec<MemberId> = identity('member id', memberId);

const backupIdText: Codec<BackupId> = parsed(
  'a backup id',
  (json) => orUndefined(() => parseBackupId(json)),
  (value) => value,
);

function orUndefined<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

const proof = shape<Proof>({ at: time, outcome: oneOf(proofOutcomes), evidence: recordOf(fact) });

const source = shape<Manifest['source']>({
  memberId: memberIdText,
  name: text,
  endpoint: text,
  role: oneOf(['follower', 'leader', 'learner']),
  serverVersion: text,
  storageVersion: nullable(text),
});

const found = shape<Manifest['found']>({
  members: listOf(
    shape<Manifest['found']['members'][number]>({
      id: memberIdText,
      name: text,
      peerUrls: listOf(text),
      learner: truth,
    }),
  ),
  alarms: listOf(shape<Manifest['found']['alarms'][number]>({ member: memberIdText, kind: text })),
  leases: count,
  authEnabled: truth,
});

const sealed = shape<Manifest['sealed']>({
  object: text,
  sizeBytes: count,
  sha256,
  codec: oneOf(['none', 'gzip', 'zstd']),
  encryption: nullable(
    shape<NonNullable<Manifest['sealed']['encryption']>>({
      scheme: oneOf(['age']),
      recipients: listOf(text),
    }),
  ),
});

const fingerprint = plain('16 lower-case hex digits', (json): json is string => {
  return typeof json === 'string' && /^[0-9a-f]{16}$/.test(json);
});

const signatureText = plain('64 bytes in base64', (json): json is string => {
  return typeof json === 'string' && /^[A-Za-z0-9+/]{86}==$/.test(json);
});

type Authentication = NonNullable<Manifest['authentication']>;

const authentication = shape<Authentication>({
  mac: nullable(sha256),
  signature: nullable(
    shape<NonNullable<Authentication['signature']>>({
      scheme: oneOf(['ed25519']),
      key: fingerprint,
      value: signatureText,
    }),
  ),
});

const manifestCodec: Codec<Manifest> = shape<Manifest>(
  {
    format: plain(String(manifestFormat), (json): json is number => json === manifestFormat),
    id: backupIdText,
    cluster: shape<Manifest['cluster']>({ id: clusterIdText, name: text }),
    source,
    revision: revisionText,
    compactRevision: nullable(revisionText),
    keys: count,
    totalRows: count,
    statusHash: hash32,
    hashKv: shape<Manifest['hashKv']>({
      revision: revisionText,
      compactRevision: nullable(revisionText),
      hash: hash32,
    }),
    found,
    raw: shape<Manifest['raw']>({ sizeBytes: count, sha256 }),
    sealed,
    startedAt: time,
    finishedAt: time,
    slot: nullable(time),
    steps: recordOf(duration),
    proofs: shape<Manifest['proofs']>(
      { received: proof, sound: proof, agreed: proof, stored: proof, restored: proof },
      proofNames,
    ),
    program: shape<Manifest['program']>({ version: text, node: text }),
    host: text,
    hold: nullable(shape<NonNullable<Manifest['hold']>>({ at: time, reason: text })),
    labels: recordOf(text),
    authentication,
  },
  ['authentication'],
);
