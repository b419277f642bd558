/** A bucket on a real server for a test file: what all suites of the S3 store begin with. */
import type { S3StoreOptions } from '../../src/store/s3/options.ts';
import type { CephPackages } from '../setup/ceph.ts';
import { type Ceph, type CephKeys, startCeph } from './ceph.ts';
import type { CertificatePair } from './certificates.ts';
import { makeBucket, s3Options } from './s3.ts';

export interface TestBucket extends AsyncDisposable {
  readonly ceph: Ceph;
  readonly url: string;
  readonly keys: CephKeys;
  /** A store of a new prefix in the bucket `backups`; `changes` say what is different. */
  options(changes?: Partial<S3StoreOptions>, keys?: CephKeys): S3StoreOptions;
}

/** A server with the user `backup` and a bucket of his; disposing ends it all. */
export async function startBucket(
  packages: CephPackages,
  tls?: CertificatePair,
): Promise<TestBucket> {
  const ceph = await startCeph(packages, tls);
  try {
    const keys = await ceph.user('backup');
    await makeBucket(ceph.url, keys);
    return {
      ceph,
      url: ceph.url,
      keys,
      options: (changes = {}, its = keys) => s3Options(ceph.url, its, changes),
      [Symbol.asyncDispose]: () => ceph[Symbol.asyncDispose](),
    };
  } catch (thrown) {
    await ceph[Symbol.asyncDispose]();
    throw thrown;
  }
}
