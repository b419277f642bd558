/** How a server is asked to keep objects: encrypted with a key that it keeps, in a storage class. */
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { S3StoreOptions } from '../../src/store/s3/options.ts';
import { s3Store } from '../../src/store/s3/store.ts';
import { bodyOf, bytesOf, named, putBytes, readBytes, signal } from '../contract/store-bodies.ts';
import { startBucket, type TestBucket } from '../support/bucket.ts';
import { cephServers } from '../support/ceph.ts';
import { s3Client } from '../support/s3.ts';

const mib = 1024 * 1024;
const name = named('0123456789abcdef/object.db');
const kms = (keyId: string | null) => ({ encryption: { kind: 'aws:kms', keyId } }) as const;

describe.each(await cephServers())('objects on Ceph of $suite', ({ packages, skip }) => {
  let bucket: TestBucket;

  beforeAll(async () => {
    if (packages === undefined) return;
    bucket = await startBucket(packages);
    const cold = '--placement-id=default-placement --storage-class=COLD';
    for (const line of [
      `admin zonegroup placement add --rgw-zonegroup=default ${cold}`,
      `admin zone placement add --rgw-zone=default ${cold} --data-pool=default.rgw.cold.data`,
      'kill $gateway_pid; wait $gateway_pid; start_gateway',
    ]) {
      await bucket.ceph.run(line);
    }
  });
  afterAll(() => bucket?.[Symbol.asyncDispose]());

  /** What the server says of an object that was put, and read again, in parts if it is large. */
  async function kept(changes: Partial<S3StoreOptions>, sizeBytes: number) {
    const options = bucket.options(changes);
    await using store = s3Store(options);
    const bytes = bytesOf(sizeBytes, 1);
    await store.put(name, bodyOf(bytes), { signal });
    expect((await readBytes(store, name)).equals(bytes)).toBe(true);
    const head = new HeadObjectCommand({ Bucket: 'backups', Key: `${options.prefix}/${name}` });
    return s3Client(bucket.url, bucket.keys).send(head);
  }

  test.skipIf(skip).each([
    ['in one request', 1000],
    ['in parts', 12 * mib + 1],
  ])('sent %s are encrypted and lie in the class that is asked for', async (_, sizeBytes) => {
    expect(await kept(kms('the-key'), sizeBytes)).toMatchObject({
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: 'the-key',
    });
    expect(await kept({ storageClass: 'COLD' }, sizeBytes)).toMatchObject({ StorageClass: 'COLD' });
    const plain = await kept({}, sizeBytes);
    expect([plain.ServerSideEncryption, plain.StorageClass ?? 'STANDARD']).toEqual([
      undefined,
      'STANDARD',
    ]);
  });

  test.skipIf(skip).each<[string, Partial<S3StoreOptions>, string, string]>([
    ['no key', kms(null), 'the server cannot use the key for encryption', 'kmsKeyId'],
    ['a key it does not have', kms('another'), 'the server cannot use the key', 'kmsKeyId'],
    // This server encrypts by itself only with a vault beside it.
    ['what it cannot do', { encryption: { kind: 'AES256' } }, 'InvalidArgument', 'sse'],
    ['a class it does not have', { storageClass: 'WARM' }, 'InvalidArgument', 'storageClass'],
  ])('asked for with %s are refused with a hint', async (_, changes, words, setting) => {
    await using store = s3Store(bucket.options(changes));

    await expect(putBytes(store, name, 'x')).rejects.toMatchObject({
      message: expect.stringContaining(words),
      hint: expect.stringContaining(setting),
    });
  });
});
