/** A whole manifest with every field in use, for tests to begin from. */
import { clusterId, memberId, revision } from '../../../src/core/backup.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { composeBackupId } from '../../../src/core/names.ts';

const at = new Date('2026-11-20T15:45:12.345Z');
const cluster = clusterId('cdf818194e3a8c32');
const taken = revision('9223372036854775807');

/** A proved backup of `startedAt`; its id, object and cluster fit together. */
export function sampleManifest(changes: Partial<Manifest> = {}): Manifest {
  const startedAt = changes.startedAt ?? new Date('2026-11-20T15:45:00.123Z');
  const at = changes.revision ?? taken;
  const id = changes.id ?? composeBackupId(startedAt, at, 'a1b2');
  const owner = changes.cluster ?? { id: cluster, name: 'production' };
  const sealed = { ...filled.sealed, object: `${owner.id}/${id}.db` };
  return { ...filled, startedAt, revision: at, id, cluster: owner, sealed, ...changes };
}

const filled: Omit<Manifest, 'startedAt' | 'revision' | 'id' | 'cluster'> = {
  format: 1,
  source: {
    memberId: memberId('8e9e05c52164694d'),
    name: 'etcd-2',
    endpoint: 'https://10.0.0.2:2379',
    role: 'follower',
    serverVersion: '3.6.5',
    storageVersion: '3.6.0',
  },
  compactRevision: revision('55000'),
  keys: 1203,
  totalRows: 1530,
  statusHash: 0xfe01cf57,
  hashKv: { revision: taken, compactRevision: revision('55000'), hash: 0xffffffff },
  found: {
    members: [
      {
        id: memberId('8e9e05c52164694d'),
        name: 'etcd-2',
        peerUrls: ['https://10.0.0.2:2380', 'https://[fd00::2]:2380'],
        learner: false,
      },
      { id: memberId('1'), name: '', peerUrls: [], learner: true },
    ],
    alarms: [{ member: memberId('8e9e05c52164694d'), kind: 'NOSPACE' }],
    leases: 3,
    authEnabled: true,
  },
  raw: { sizeBytes: 9_007_199_254_740_991, sha256: 'a'.repeat(64) },
  sealed: {
    object: '',
    sizeBytes: 12_345,
    sha256: '0123456789abcdef'.repeat(4),
    codec: 'zstd',
    encryption: { scheme: 'age', recipients: ['age1qqqqqqqqqqqqqqqqqqqqqq'] },
  },
  finishedAt: at,
  slot: new Date('2026-11-20T15:45:00.000Z'),
  steps: { choose: 12, drain: 8123.5, prove: 940, agree: 80, store: 2110 },
  proofs: {
    received: { at, outcome: 'passed', evidence: { sha256: 'aaaa', sizeBytes: 12 } },
    sound: { at, outcome: 'passed', evidence: { pages: 4096, keys: 1203 } },
    agreed: { at, outcome: 'inconclusive', evidence: { asked: 2, reason: 'compacted since' } },
    stored: { at, outcome: 'passed', evidence: { compared: 'read back', linked: false } },
    restored: { at, outcome: 'skipped', evidence: {} },
  },
  program: { version: '0.1.0', node: 'v24.21.0' },
  host: 'etcd-2.example.net',
  hold: { at, reason: 'before the upgrade to 3.7 "Zürich"' },
  labels: { site: 'fra1', 'with space': '', __proto__named: 'kept' },
};
