/** Objects encrypted with a key that the server does not keep. */
import { randomBytes } from 'node:crypto';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { s3Store } from '../../src/store/s3/store.ts';
import { bodyOf, bytesOf, named, namesIn, readBytes, signal } from '../contract/store-bodies.ts';
import { startBucket, type TestBucket } from '../support/bucket.ts';
import { cephServers } from '../support/ceph.ts';
import { s3Client } from '../support/s3.ts';

const mib = 1024 * 1024;
const name = named('0123456789abcdef/object.db');
const customer = (readKey: () => Buffer) =>
  ({ encryption: { kind: 'customer', readKey } }) as const;

describe.each(await cephServers())('a customer key on Ceph of $suite', ({ packages, skip }) => {
  let bucket: TestBucket;

  beforeAll(async () => {
    if (packages !== undefined) bucket = await startBucket(packages);
  });
  afterAll(() => bucket?.[Symbol.asyncDispose]());

  test.skipIf(skip).each([
    ['in one request', 1000],
    ['in parts', 12 * mib + 1],
  ])('puts %s what nobody reads without it', async (_, sizeBytes) => {
    const key = randomBytes(32);
    const options = bucket.options(customer(() => key));
    await using store = s3Store(options);
    const bytes = bytesOf(sizeBytes, 1);

    await store.put(name, bodyOf(bytes), { signal });

    expect((await readBytes(store, name)).equals(bytes)).toBe(true);
    expect(await store.stat(name, { signal })).toMatchObject({ sizeBytes });
    expect(await namesIn(store)).toEqual([name]);
    const get = new GetObjectCommand({ Bucket: 'backups', Key: `${options.prefix}/${name}` });
    await expect(s3Client(bucket.url, bucket.keys).send(get)).rejects.toMatchObject({
      $metadata: { httpStatusCode: 400 },
    });
  });

  test.skipIf(skip)(
    'says in one line that it is another one, and takes the right one',
    async () => {
      const right = randomBytes(32);
      let key = right;
      await using store = s3Store(bucket.options(customer(() => key)));
      await store.put(name, bodyOf(Buffer.from('secret')), { signal });

      key = randomBytes(32);
      const denied = {
        code: 'store-denied',
        message: expect.stringMatching(
          /^[^\n]*: the key of the customer is not that of the object$/,
        ),
        hint: expect.stringContaining('customerKeyFile'),
      };
      await expect(readBytes(store, name)).rejects.toMatchObject(denied);
      await expect(store.stat(name, { signal })).rejects.toMatchObject(denied);

      key = right;
      expect(String(await readBytes(store, name))).toBe('secret');
    },
  );

  test.skipIf(skip)('is named by a store that has none', async () => {
    const key = randomBytes(32);
    const options = bucket.options(customer(() => key));
    await using keyed = s3Store(options);
    await using plain = s3Store({ ...options, encryption: { kind: 'none' } });
    await keyed.put(name, bodyOf(Buffer.from('secret')), { signal });

    await expect(readBytes(plain, name)).rejects.toMatchObject({
      code: 'store-denied',
      message: expect.stringContaining('the server wants another key'),
      hint: expect.stringContaining('stores[].s3.sse'),
    });
  });

  test.skipIf(skip)('that cannot be read is told with the name of the store', async () => {
    const gone = customer(() => {
      throw new Error('/etc/key is not there');
    });
    await using store = s3Store(bucket.options(gone));

    const put = store.put(name, bodyOf(Buffer.from('x')), { signal });

    await expect(put).rejects.toMatchObject({
      code: 'store-denied',
      message: expect.stringMatching(/^store cloud .*: cannot read the key of the customer: /),
    });
  });
});
