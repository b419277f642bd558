import { afterAll, beforeAll, describe } from 'vitest';
import { s3Store } from '../../src/store/s3/store.ts';
import { storeContract } from '../contract/store.ts';
import { startBucket, type TestBucket } from '../support/bucket.ts';
import { cephServers } from '../support/ceph.ts';
import { beginUpload } from '../support/s3.ts';

describe.each(await cephServers())('Ceph of $suite', ({ packages, skip }) => {
  let bucket: TestBucket;

  beforeAll(async () => {
    if (packages !== undefined) bucket = await startBucket(packages);
  });

  afterAll(() => bucket?.[Symbol.asyncDispose]());

  storeContract('s3', async () => s3Store(bucket.options()), {
    skip,
    async abandonPut(store) {
      const [, prefix = ''] = / backups\/(\S+) /.exec(store.describe()) ?? [];
      await beginUpload(bucket.url, bucket.keys, `${prefix}/0123456789abcdef/killed.db`);
    },
  });
});
