import { afterAll, beforeAll, describe } from 'vitest';
import { s3Store } from '../../src/store/s3/store.ts';
import { storeContract } from '../contract/store.ts';
import { cephSuites } from '../setup/ceph.ts';
import { type Ceph, type CephKeys, cephHere, startCeph } from '../support/ceph.ts';
import { beginUpload, makeBucket, s3Options } from '../support/s3.ts';

const servers = await Promise.all(
  cephSuites.map(async (suite) => ({ suite, ...(await cephHere(suite)) })),
);

describe.each(servers)('Ceph of $suite', ({ packages, skip }) => {
  let ceph: Ceph;
  let keys: CephKeys;

  beforeAll(async () => {
    if (packages === undefined) return;
    ceph = await startCeph(packages);
    keys = await ceph.user('backup');
    await makeBucket(ceph.url, keys);
  });

  afterAll(() => ceph?.[Symbol.asyncDispose]());

  storeContract('s3', async () => s3Store(s3Options(ceph.url, keys)), {
    skip,
    async abandonPut(store) {
      const [, prefix = ''] = / backups\/(\S+) /.exec(store.describe()) ?? [];
      await beginUpload(ceph.url, keys, `${prefix}/0123456789abcdef/killed.db`);
    },
  });
});
