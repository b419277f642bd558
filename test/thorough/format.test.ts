/** The room `format` against the real programs: whatever etcd writes, we must read as it does. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Failure } from '../../src/core/errors.ts';
import { fileSource } from '../../src/format/file-source.ts';
import { hashKv } from '../../src/format/hash-kv.ts';
import { inspectSnapshot } from '../../src/format/inspect-snapshot.ts';
import type { SnapshotFacts } from '../../src/format/snapshot-facts.ts';
import { type EtcdBinaries, fits } from '../setup/binaries.ts';
import {
  cluster,
  enableAuth,
  etcdctl,
  etcdutl,
  etcdVersions,
  type TestCluster,
} from '../support/etcd.ts';
import { connect, seed } from '../support/workload.ts';

const folder = mkdtempSync(join(tmpdir(), 'etcd-backupd-format-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let snapshots = 0;

async function save(from: TestCluster): Promise<string> {
  const file = join(folder, `${snapshots++}.db`);
  await etcdctl(from, ['snapshot', 'save', file], { endpoints: from.clientUrls.slice(0, 1) });
  return file;
}

interface Status {
  readonly hash: number;
  readonly revision: number;
  readonly totalKey: number;
  readonly totalSize: number;
}

async function statusOf(binaries: EtcdBinaries, file: string): Promise<Status> {
  return JSON.parse(await etcdutl(binaries, ['snapshot', 'status', file, '-w', 'json']));
}

interface ServerHash {
  readonly hash: number;
  readonly compactRevision: bigint | null;
}

/** Undefined where the member refuses, which old ones do at the compact revision itself. */
async function serverHash(of: TestCluster, revision: bigint): Promise<ServerHash | undefined> {
  const args = ['endpoint', 'hashkv', `--rev=${revision}`, '-w', 'json'];
  let text: string;
  try {
    text = await etcdctl(of, args, { endpoints: of.clientUrls.slice(0, 1) });
  } catch (refused) {
    if (String(refused).includes('has been compacted')) return undefined;
    throw refused;
  }
  const [answer] = JSON.parse(text);
  if (answer === undefined) return undefined;
  const compacted = BigInt(answer.HashKV.compact_revision);
  return { hash: answer.HashKV.hash, compactRevision: compacted < 0n ? null : compacted };
}

/** Compares everything that can be asked for, at the file's revision and at older ones. */
async function compare(of: TestCluster, olderBy: readonly bigint[] = []): Promise<SnapshotFacts> {
  const file = await save(of);
  const status = await statusOf(of.binaries, file);
  using source = fileSource(file);
  const { facts, digests, keyspace } = inspectSnapshot(source);
  expect(digests.trailer).toBe('matches');
  expect(facts.statusHash).toBe(status.hash);
  expect(facts.revision).toBe(BigInt(status.revision));
  expect(facts.databaseBytes).toBe(status.totalSize);
  expect(statSync(file).size).toBe(facts.databaseBytes + 32);
  const countsRows = fits(of.binaries.version, '3.4') || fits(of.binaries.version, '3.5');
  expect(countsRows ? facts.totalRows : facts.keys).toBe(status.totalKey);

  // Every way through the bounded memory must lead to the same result.
  const limits = { rowLimit: 1, keyLimit: 3, windowBytes: 1 };
  const narrow = inspectSnapshot(source, limits);
  expect(narrow.facts).toEqual(facts);

  let compared = 0;
  for (const distance of ['now', 0n, ...olderBy] as const) {
    const revision = facts.currentRevision - (distance === 'now' ? 0n : distance);
    // 0 asks for the present, which no member answers from its memory of compactions.
    const server = await serverHash(of, distance === 'now' ? 0n : revision);
    if (server === undefined) continue;
    const at = { revision, compactRevision: server.compactRevision };
    const own = facts.compactRevision ?? -1n;
    if ((server.compactRevision ?? -1n) < own) {
      // Answered from the member's memory of an earlier compaction: those rows are gone.
      expect(() => hashKv(keyspace, at)).toThrow(Failure);
      continue;
    }
    expect({ revision, hash: hashKv(keyspace, at) }).toEqual({ revision, hash: server.hash });
    expect(hashKv(narrow.keyspace, at)).toBe(server.hash);
    compared++;
  }
  expect(compared).toBeGreaterThan(0);
  return facts;
}

describe.each(etcdVersions().map((binaries) => ({ version: binaries.version, binaries })))(
  'etcd $version',
  ({ version }) => {
    test('an empty and a young store', { timeout: 300_000 }, async () => {
      await using etcd = await cluster(version);
      const empty = await compare(etcd);
      expect(empty).toMatchObject({ keys: 0, revision: 0n, currentRevision: 1n });
      expect(empty.compactRevision).toBeNull();

      const young = await seed(etcd, { compact: false, users: true });
      const first = await compare(etcd, [1n, 2n, 3n, 10n, 30n, young.revision - 2n]);
      expect(first.revision).toBe(young.revision);
      expect(first.compactRevision).toBeNull();
      expect(first.leases.count).toBe(1);
      expect(first.leases.first).toEqual([
        { id: '0000000000001da3', ttlSeconds: 3600n, remainingSeconds: 0n },
      ]);
      expect(first.members).toHaveLength(1);
      expect(first.members[0]?.peerUrls).toHaveLength(1);
      expect(first.auth.users).toEqual(['seed-user']);
      expect(first.auth.roles).toEqual(['seed-reader']);
      expect(first.clusterVersion).toMatch(/^3\.\d+\.0$/);
      expect(first.alarms).toEqual([]);
    });

    test('a compacted store with history after it', { timeout: 300_000 }, async () => {
      await using etcd = await cluster(version);
      const seeded = await seed(etcd);
      const second = await compare(etcd, [1n, 2n, 5n, 9n, 10n, 11n]);
      expect(second.compactRevision).toBe(seeded.compactRevision);
      expect(second.revision).toBe(seeded.revision);
    });

    test('a compaction at a deletion, and a store without keys', { timeout: 300_000 }, async () => {
      await using etcd = await cluster(version);
      const client = connect(etcd);
      try {
        await client.put('a').value('1');
        await client.put('b').value('1');
        await client.delete().key('a');
        const compact = (revision: string) => client.kv.compact({ revision, physical: true });
        await compact('3');
        await compare(etcd, [1n]);
        await client.delete().key('b');
        await compare(etcd, [1n, 2n]);
        await compact('5');
        const gone = await compare(etcd);
        expect(gone.keys).toBe(0);
        expect(gone.currentRevision).toBe(5n);
        await client.put('c').value('back');
        await client.put('c').value('again');
        const back = await compare(etcd, [1n, 2n]);
        expect(back).toMatchObject({ keys: 1, revision: 7n, compactRevision: 5n });
      } finally {
        client.close();
      }
    });

    test('with users, and a value larger than a window', { timeout: 300_000 }, async () => {
      await using etcd = await cluster(version);
      const client = connect(etcd);
      try {
        await client.put('large').value('x'.repeat(1_400_000));
        for (let i = 0; i < 300; i++) await client.put(`many/${i}`).value('y'.repeat(i * 7));
        await client.put('large').value('z'.repeat(1_400_001));
        await client.delete().prefix('many/1');
      } finally {
        client.close();
      }
      await enableAuth(etcd, 'secret-of-the-test');
      const facts = await compare(etcd, [1n, 2n, 100n]);
      expect(facts.auth.enabled).toBe(true);
      expect(facts.auth.users).toEqual(['root']);
      expect(facts.auth.revision).toBeGreaterThan(1n);
    });
  },
);
