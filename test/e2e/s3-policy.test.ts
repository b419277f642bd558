/** The policy of docs/security.md on a real server: with it all works, and outside of it nothing. */
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  PutBucketPolicyCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Failure } from '../../src/core/errors.ts';
import { s3Store } from '../../src/store/s3/store.ts';
import {
  bytesOf,
  farFuture,
  named,
  namesIn,
  putBytes,
  readBytes,
  signal,
} from '../contract/store-bodies.ts';
import { startBucket, type TestBucket } from '../support/bucket.ts';
import { type CephKeys, cephServers } from '../support/ceph.ts';
import { readGuide } from '../support/guides.ts';
import { leastPartBytes, s3Client } from '../support/s3.ts';
import { policyOf } from '../support/s3-policy.ts';

const Bucket = 'etcd-backups';
const prefix = 'prod';
const shown = policyOf(readGuide('docs/security.md'));
const all = shown.Statement.flatMap(({ Action }) => Action);
const name = named('0123456789abcdef/20261121T080837Z-4puq.db');

/** Reads the server's word for a call that it denies, or passes. */
const failureOf = (call: Promise<unknown>): Promise<Failure | undefined> =>
  call.then(
    () => undefined,
    (error) => error as Failure,
  );

describe.each((await cephServers()).slice(0, 1))('Ceph of $suite', ({ packages, skip }) => {
  let bucket: TestBucket;
  let daemon: CephKeys;

  beforeAll(async () => {
    if (packages === undefined) return;
    bucket = await startBucket(packages);
    daemon = await bucket.ceph.user('least');
    const command = new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true });
    await s3Client(bucket.url, bucket.keys).send(command);
  });
  afterAll(() => bucket?.[Symbol.asyncDispose]());

  /** Gives the user the rights of the guide, without those in `lacking`. */
  async function allow(lacking: readonly string[] = []): Promise<void> {
    const Statement = shown.Statement.map((one) => ({
      ...one,
      Action: one.Action.filter((action) => !lacking.includes(action)),
      Principal: { AWS: ['arn:aws:iam:::user/least'] },
    })).filter(({ Action }) => Action.length > 0);
    const Policy = JSON.stringify({ ...shown, Statement });
    await s3Client(bucket.url, bucket.keys).send(new PutBucketPolicyCommand({ Bucket, Policy }));
  }

  const options = () => bucket.options({ bucket: Bucket, prefix }, daemon);

  /** All that a daemon and its commands ask of a bucket. What one has put he may read anyway. */
  async function useAll(): Promise<void> {
    await using store = s3Store(options());
    await using locking = s3Store({ ...options(), lock: { mode: 'GOVERNANCE', days: 1 } });
    await using others = s3Store(bucket.options({ bucket: Bucket, prefix }));
    const large = bytesOf(leastPartBytes + 1, 1);
    await putBytes(store, name, large);
    await putBytes(others, name, large);
    expect((await readBytes(store, name)).equals(large)).toBe(true);
    expect(await namesIn(store)).toContain(name);
    const lines = (await store.examine?.(named('probe-0'), { signal }))?.lines;
    expect(lines?.at(-1)).toBe('object lock: yes');
    const Key = `${prefix}/unfinished`;
    const begin = new CreateMultipartUploadCommand({ Bucket, Key });
    await s3Client(bucket.url, bucket.keys).send(begin);
    expect(await store.sweep(farFuture, { signal })).toBeGreaterThan(0);
    await store.remove(name, { signal });
    await putBytes(locking, named('locked'), large);
    const { lockedUntil } = await store.stat(named('locked'), { signal });
    expect(lockedUntil).toBeInstanceOf(Date);
  }

  test.skipIf(skip)('lets the daemon do all that it does', async () => {
    await allow();

    await useAll();
  });

  // Those of locks this server does not ask for.
  const enforced = all.filter((action) => !/Retention|LegalHold/.test(action));
  test.skipIf(skip).each(enforced)('does not do without %s', async (action) => {
    await allow([action]);

    await expect(useAll()).rejects.toThrow();
  });

  test.skipIf(skip)('keeps the daemon to its prefix', async () => {
    await allow();
    await using elsewhere = s3Store({ ...options(), prefix: 'other' });

    const denied = await failureOf(putBytes(elsewhere, name, 'x'));

    expect(denied?.code).toBe('store-denied');
  });

  test.skipIf(skip)('lets a host restore with two of its rights', async () => {
    await allow();
    await using writer = s3Store(bucket.options({ bucket: Bucket, prefix }));
    await putBytes(writer, name, 'x');
    await allow(all.filter((one) => !['s3:ListBucket', 's3:GetObject'].includes(one)));
    await using store = s3Store(options());

    const listed = await namesIn(store);
    const read = await readBytes(store, name);
    const { sizeBytes } = await store.stat(name, { signal });
    const denied = await failureOf(putBytes(store, named('new'), 'x'));

    expect(listed).toContain(name);
    expect([read.toString(), sizeBytes]).toEqual(['x', 1]);
    expect(denied?.code).toBe('store-denied');
  });
});
