/** What `check` finds out about the servers that are here. */
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { s3Store } from '../../src/store/s3/store.ts';
import { named, putBytes, signal } from '../contract/store-bodies.ts';
import { startBucket, type TestBucket } from '../support/bucket.ts';
import { cephServers } from '../support/ceph.ts';
import { s3Client } from '../support/s3.ts';

const name = named('probe-0');
const ignored = 'ignored, so backups are read back; checksums: none says the same and asks less';
const checksums = {
  sid: ['checksums: compared', 'checksums in parts: compared, and one of the whole object'],
  trixie: [`checksums: ${ignored}`, `checksums in parts: ${ignored}`],
};

/** The older one passes over conditions where a bucket keeps versions. */
const conditionsInVersions = {
  sid: 'new names only: yes',
  trixie: 'new names only: ignored, so only the random end of each name keeps daemons apart',
};

describe.each(await cephServers())('Ceph of $suite', ({ suite, packages, skip }) => {
  let bucket: TestBucket;

  beforeAll(async () => {
    if (packages !== undefined) bucket = await startBucket(packages);
  });
  afterAll(() => bucket?.[Symbol.asyncDispose]());

  test.skipIf(skip)('is found out by a probe', async () => {
    await using store = s3Store(bucket.options());
    await putBytes(store, name, 'x');

    const found = (await store.examine?.(name, { signal }))?.lines;

    expect(found).toEqual([...checksums[suite], 'new names only: yes', 'object lock: no']);
  });

  test.skipIf(skip)('tells that a bucket has object lock', async () => {
    const command = new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true });
    await s3Client(bucket.url, bucket.keys).send(command);
    await using store = s3Store(bucket.options({ bucket: 'locked', checksums: 'none' }));
    await putBytes(store, name, 'x');

    const found = (await store.examine?.(name, { signal }))?.lines;

    expect(found).toEqual([
      'checksums: not asked for, backups are read back',
      conditionsInVersions[suite],
      'object lock: yes',
    ]);
  });
});
