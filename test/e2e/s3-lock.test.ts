/** Buckets with object lock: what they keep, pruning keeps too, and says until when. */
import { CreateBucketCommand, PutObjectLegalHoldCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openCatalog } from '../../src/catalog/catalog.ts';
import { pruneShelf } from '../../src/engine/prune.ts';
import type { Store } from '../../src/store/port.ts';
import { s3Store } from '../../src/store/s3/store.ts';
import { signal } from '../contract/store-bodies.ts';
import { startBucket, type TestBucket } from '../support/bucket.ts';
import { cephServers } from '../support/ceph.ts';
import { s3Client } from '../support/s3.ts';
import { backUp, cluster, hoursAgo, listedIds } from '../unit/catalog/shelves.ts';

const dayMs = 24 * 3600 * 1000;
const Bucket = 'locked';

describe.each(await cephServers())('a locked bucket of Ceph of $suite', ({ packages, skip }) => {
  let bucket: TestBucket;

  beforeAll(async () => {
    if (packages === undefined) return;
    bucket = await startBucket(packages);
    const command = new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true });
    await s3Client(bucket.url, bucket.keys).send(command);
  });
  afterAll(() => bucket?.[Symbol.asyncDispose]());

  const prune = (store: Store) =>
    pruneShelf({ store, retention: { keepLast: 1, minimum: 1 } }, cluster, pruneDeps, signal);

  test.skipIf(skip)('keeps what is locked, and removes what is not', async () => {
    const options = bucket.options({ bucket: Bucket });
    await using free = s3Store(options);
    await using locking = s3Store({ ...options, lock: { mode: 'GOVERNANCE', days: 3 } });
    const unlocked = await backUp(free, { startedAt: hoursAgo(3) });
    const locked = await backUp(locking, { startedAt: hoursAgo(2) });
    const newest = await backUp(free, { startedAt: hoursAgo(1) });

    const plan = await prune(free);

    const ends = plan.find(({ id }) => id === locked.id)?.reasons[0]?.replace('locked until ', '');
    expect(Math.abs(Date.parse(ends ?? '') - Date.now() - 3 * dayMs)).toBeLessThan(dayMs / 24);
    expect(plan.find(({ id }) => id === unlocked.id)).toMatchObject({ keep: false });
    expect(await listedIds(free)).toEqual([locked.id, newest.id]);
  });

  test.skipIf(skip)('keeps what a legal hold locks', async () => {
    const options = bucket.options({ bucket: Bucket });
    await using store = s3Store(options);
    const held = await backUp(store, { startedAt: hoursAgo(2) });
    await backUp(store, { startedAt: hoursAgo(1) });
    const Key = `${options.prefix}/${held.sealed.object}`;
    await s3Client(bucket.url, bucket.keys).send(
      new PutObjectLegalHoldCommand({ Bucket, Key, LegalHold: { Status: 'ON' } }),
    );

    const plan = await prune(store);

    expect(plan.at(-1)).toMatchObject({ keep: true, reasons: ['locked by a legal hold'] });
    expect(await listedIds(store)).toHaveLength(2);
  });
});

const pruneDeps = {
  trust: { signer: () => null, keys: () => [], acceptsUnsigned: false },
  openCatalog,
  observe: () => undefined,
  now: () => new Date(),
  timezone: 'UTC',
  orphanGraceMs: dayMs,
};
