/** What a snapshot stream and a content hash of any cluster must be. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Member } from '../../src/cluster/port.ts';
import { type Revision, revision } from '../../src/core/backup.ts';
import { hashKv } from '../../src/format/hash-kv.ts';
import { inspectSnapshot } from '../../src/format/inspect-snapshot.ts';
import { SnapshotStreamRules } from '../../src/format/stream-rules.ts';
import { memorySource } from '../support/bbolt.ts';
import {
  answered,
  type ContractCluster,
  firstOf,
  type MakeCluster,
  signal,
} from './cluster-members.ts';

async function fileFrom({ port }: ContractCluster, member: Member): Promise<Buffer> {
  const rules = new SnapshotStreamRules();
  const pieces: Uint8Array[] = [];
  for await (const message of port.snapshot(member, { signal })) {
    rules.accept(message);
    const sizes = message.blob.map(({ byteLength }) => byteLength);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(message.blobBytes);
    pieces.push(...message.blob.map((piece) => Uint8Array.from(piece)));
  }
  const file = Buffer.concat(pieces);
  expect(rules.end().sizeBytes).toBe(file.length);
  return file;
}

export function snapshotContract(shared: () => ContractCluster): void {
  test('is a sound database with its digest, and holds what the member has applied', async () => {
    for (const member of await answered(shared())) {
      const confirmed = await shared().port.confirmedRevision(member, { signal });

      const file = await fileFrom(shared(), member);

      const database = file.subarray(0, -32);
      const digest = createHash('sha256').update(database).digest();
      expect(file.subarray(-32)).toEqual(digest);
      const { facts } = inspectSnapshot(memorySource(file));
      expect(facts).toMatchObject({ currentRevision: confirmed, keys: 1, compactRevision: null });
      const inFile = facts.members.map(({ id, learner }) => [id, learner]);
      const told = (await answered(shared())).map(({ id, learner }) => [id, learner]);
      expect(inFile.sort()).toEqual(told.sort());
    }
  });

  test('may be left at any message, and be asked for again', async () => {
    const member = await firstOf(shared());

    for await (const message of shared().port.snapshot(member, { signal })) {
      expect(message.blobBytes).toBeGreaterThan(0);
      break;
    }

    expect((await fileFrom(shared(), member)).length % 512).toBe(32);
  });

  test('ends with the reason when it is aborted under way', async () => {
    const member = await firstOf(shared());
    const stop = new AbortController();
    const reason = new Error('enough');
    const messages: unknown[] = [];

    const drained = (async () => {
      for await (const one of shared().port.snapshot(member, { signal: stop.signal })) {
        messages.push(one);
        stop.abort(reason);
      }
    })();

    await expect(drained).rejects.toBe(reason);
    expect(messages).not.toEqual([]);
  });
}

export function hashContract(shared: () => ContractCluster, make: MakeCluster): void {
  test('is the hash of what the member streams, on every member, at every revision', async () => {
    const { port } = shared();
    const first = await firstOf(shared());
    const { keyspace } = inspectSnapshot(memorySource(await fileFrom(shared(), first)));
    const newest = await port.confirmedRevision(first, { signal });
    const hashes = new Set<number>();

    for (const member of await answered(shared())) {
      await port.confirmedRevision(member, { signal });
      for (let at = 2n; at <= newest; at += 1n) {
        const told = await port.hashKv(member, revision(at), { signal });

        const point = { revision: at, compactRevision: null };
        expect(told).toEqual({ hash: hashKv(keyspace, point), compactRevision: undefined });
        hashes.add(told.hash);
      }
    }

    expect(hashes.size).toBe(Number(newest) - 1);
  });

  test('tells the compaction that it was computed with, and refuses what lies below', async () => {
    await using cluster = await make(3);
    for (let at = 2; at <= 6; at += 1) await cluster.put(`/${at % 2}`, `value ${at}`);
    await cluster.remove('/0');
    await cluster.compact(revision(5n));
    // Entries are applied in their order: who has this write has the compaction before it.
    await cluster.put('/after', 'all');

    for (const member of await answered(cluster)) {
      const newest = await cluster.port.confirmedRevision(member, { signal });
      const { keyspace } = inspectSnapshot(memorySource(await fileFrom(cluster, member)));
      for (const at of [6n, newest] as Revision[]) {
        const told = await cluster.port.hashKv(member, at, { signal });

        const hash = hashKv(keyspace, { revision: at, compactRevision: 5n });
        expect(told).toEqual({ hash, compactRevision: 5n });
      }
      await expect(cluster.port.hashKv(member, revision(3n), { signal })).rejects.toMatchObject({
        code: 'revision-unavailable',
      });
    }
  });

  test('is refused for a revision that the member has not reached', async () => {
    const member = await firstOf(shared());
    const newest = await shared().port.confirmedRevision(member, { signal });

    const asked = shared().port.hashKv(member, revision(newest + 1n), { signal });

    await expect(asked).rejects.toMatchObject({ code: 'revision-unavailable' });
  });
}
