/** Copies between a folder and a bucket, in both directions, larger than one part. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Catalog, openCatalog } from '../../src/catalog/catalog.ts';
import type { Manifest } from '../../src/core/manifest.ts';
import { copyBackup } from '../../src/engine/copy.ts';
import { fileStore } from '../../src/store/file.ts';
import { bucketStore } from '../../src/store/s3/late.ts';
import { bytesOf, namesIn, putBytes, readBytes, seed, signal } from '../contract/store-bodies.ts';
import { cephSuites } from '../setup/ceph.ts';
import { type Ceph, type CephKeys, cephHere, startCeph } from '../support/ceph.ts';
import { leastPartBytes, makeBucket, openUploads, s3Options } from '../support/s3.ts';
import { sampleManifest } from '../unit/core/sample-manifest.ts';

const content = bytesOf(2 * leastPartBytes + 4711, seed);
const { id, cluster, sealed: shape } = sampleManifest();
const sealed: Manifest['sealed'] = {
  ...shape,
  sizeBytes: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
};

const servers = await Promise.all(
  cephSuites.map(async (suite) => ({ suite, ...(await cephHere(suite)) })),
);

describe.each(servers)(`with a bucket of Ceph of $suite, seed ${seed}`, (server) => {
  const { suite, packages, skip } = server;
  const dir = mkdtempSync(join(tmpdir(), 'etcd-backupd-copies-'));
  const told = { observe: () => undefined, now: () => new Date() };
  let ceph: Ceph;
  let keys: CephKeys;
  beforeAll(async () => {
    if (packages === undefined) return;
    ceph = await startCeph(packages);
    keys = await ceph.user('copier');
    await makeBucket(ceph.url, keys);
  });
  afterAll(async () => {
    await ceph?.[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });

  /** A folder with the backup, and a bucket and a folder without. */
  async function places() {
    const folder = (): Catalog => {
      const root = mkdtempSync(join(dir, 'store-'));
      return openCatalog(fileStore({ name: 'folder', root }), cluster.id);
    };
    const options = s3Options(ceph.url, keys);
    const bucket = openCatalog(bucketStore(options), cluster.id);
    const from = folder();
    await putBytes(from.store, sealed.object, content);
    await from.commit(sampleManifest({ sealed }), { signal });
    return { from, bucket, back: folder(), prefix: options.prefix };
  }

  test.skipIf(skip)('a backup goes into the bucket and comes back the same', async () => {
    const { from, bucket, back } = await places();

    const there = await copyBackup(id, from, bucket, told, { signal });
    const here = await copyBackup(id, bucket, back, told, { signal });

    expect([there, here]).toEqual(['copied', 'copied']);
    expect(content.equals(await readBytes(back.store, sealed.object))).toBe(true);
    const { proofs } = await bucket.find(id, { signal });
    // The older server computes no digests, and is read back.
    const compared = suite === 'sid' ? 'checksum' : 'read back';
    expect(proofs.stored?.evidence).toMatchObject({ compared, copiedFrom: 'folder' });
    const original = sampleManifest({ sealed });
    const { stored: _, ...carried } = (await back.find(id, { signal })).proofs;
    const { stored: __, ...proved } = original.proofs;
    expect(carried).toEqual(proved);
  });

  test.skipIf(skip)('of a damaged backup nothing stays in the bucket', async () => {
    const { from, bucket, prefix } = await places();
    const wrong = Buffer.from(content);
    wrong.writeUInt8(wrong.readUInt8(leastPartBytes + 1) ^ 1, leastPartBytes + 1);
    await putBytes(from.store, sealed.object, wrong);

    const copied = copyBackup(id, from, bucket, told, { signal });

    await expect(copied).rejects.toMatchObject({ code: 'object-damaged' });
    expect(await namesIn(bucket.store)).toEqual([]);
    expect(await openUploads(ceph.url, keys, prefix)).toEqual([]);
  });

  test.skipIf(skip)('a damaged object in the bucket is repaired from the folder', async () => {
    const { from, bucket } = await places();
    await copyBackup(id, from, bucket, told, { signal });
    await putBytes(bucket.store, sealed.object, content.subarray(1));

    const end = await copyBackup(id, from, bucket, told, { signal, replace: true });

    expect(end).toBe('repaired');
    expect(content.equals(await readBytes(bucket.store, sealed.object))).toBe(true);
    expect((await bucket.find(id, { signal })).proofs.stored?.outcome).toBe('passed');
  });

  test.skipIf(skip)('an aborted copy leaves neither an object nor an upload', async () => {
    const { from, bucket, prefix } = await places();
    const stop = new AbortController();
    const onProgress = (done: number) => done > leastPartBytes && stop.abort(new Error('enough'));

    const copied = copyBackup(id, from, bucket, told, { signal: stop.signal, onProgress });

    await expect(copied).rejects.toThrow('enough');
    expect(await namesIn(bucket.store)).toEqual([]);
    expect(await openUploads(ceph.url, keys, prefix)).toEqual([]);
  });
});
