/** Manifests of every shape that the type allows, for property tests. */
import fc from 'fast-check';
import { clusterId, memberId, proofOutcomes, revision } from '../../../src/core/backup.ts';
import type { Manifest, Proof } from '../../../src/core/manifest.ts';
import { composeBackupId, dataName } from '../../../src/core/names.ts';

const time = fc.date({
  min: new Date('2000-01-01T00:00:00Z'),
  max: new Date('2199-12-31T23:59:59Z'),
  noInvalidDate: true,
});
const text = fc.string({ unit: 'binary', maxLength: 20 });
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const hash32 = fc.nat({ max: 0xffffffff });
const id64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const anyRevision = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(revision);
const member = id64.map(memberId);
const hex = fc.constantFrom(...'0123456789abcdef');
const sha256 = fc.string({ unit: hex, minLength: 64, maxLength: 64 });
const suffix = fc.string({ unit: hex, minLength: 4, maxLength: 4 });
// JSON has no -0, NaN or infinity.
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const positive = number.map(Math.abs);

const proof: fc.Arbitrary<Proof> = fc.record({
  at: time,
  outcome: fc.constantFrom(...proofOutcomes),
  evidence: fc.dictionary(text, fc.oneof(text, number, fc.boolean()), { noNullPrototype: true }),
});

const source: fc.Arbitrary<Manifest['source']> = fc.record({
  memberId: member,
  name: text,
  endpoint: text,
  role: fc.constantFrom('follower', 'leader', 'learner'),
  serverVersion: text,
  storageVersion: fc.option(text),
});

const found: fc.Arbitrary<Manifest['found']> = fc.record({
  members: fc.array(
    fc.record({ id: member, name: text, peerUrls: fc.array(text), learner: fc.boolean() }),
  ),
  alarms: fc.array(fc.record({ member, kind: text })),
  leases: count,
  authEnabled: fc.boolean(),
});

const sealed = fc.record({
  sizeBytes: count,
  sha256,
  codec: fc.constantFrom('none' as const, 'gzip' as const, 'zstd' as const),
  encryption: fc.option(
    fc.record({ scheme: fc.constant('age' as const), recipients: fc.array(text) }),
  ),
});

const rest = fc.record({
  source,
  compactRevision: fc.option(anyRevision),
  keys: count,
  totalRows: count,
  statusHash: hash32,
  hashKv: fc.record({
    revision: anyRevision,
    compactRevision: fc.option(anyRevision),
    hash: hash32,
  }),
  found,
  raw: fc.record({ sizeBytes: count, sha256 }),
  finishedAt: time,
  slot: fc.option(time),
  steps: fc.dictionary(text, positive, { noNullPrototype: true }),
  proofs: fc.record(
    { received: proof, sound: proof, agreed: proof, stored: proof, restored: proof },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Manifest['proofs']>,
  program: fc.record({ version: text, node: text }),
  host: text,
  hold: fc.option(fc.record({ at: time, reason: text })),
  labels: fc.dictionary(text, text, { noNullPrototype: true }),
});

export const anyManifest: fc.Arbitrary<Manifest> = fc
  .tuple(rest, sealed, id64, text, time, anyRevision, fc.option(suffix, { nil: undefined }))
  .map(([parts, seal, owner, name, startedAt, at, ending]) => {
    const id = composeBackupId(startedAt, at, ending);
    const cluster = { id: clusterId(owner), name };
    const object = dataName(cluster.id, id);
    return {
      ...parts,
      format: 1,
      id,
      cluster,
      startedAt,
      revision: at,
      sealed: { object, ...seal },
    };
  });
