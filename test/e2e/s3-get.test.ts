/** Large objects read in several ranges at once, from every server that is here. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { s3Store } from '../../src/store/s3/store.ts';
import { bodyOf, bytesOf, named, putBytes, readBytes, signal } from '../contract/store-bodies.ts';
import { startBucket, type TestBucket } from '../support/bucket.ts';
import { cephServers } from '../support/ceph.ts';
import { startProxy } from '../support/proxy.ts';

const mib = 1024 * 1024;
const name = named('0123456789abcdef/object.db');
const bytes = bytesOf(33 * mib + 7, 1);

describe.each(await cephServers())('a large object of Ceph of $suite', ({ packages, skip }) => {
  let bucket: TestBucket;

  beforeAll(async () => {
    if (packages !== undefined) bucket = await startBucket(packages);
  });
  afterAll(() => bucket?.[Symbol.asyncDispose]());

  test.skipIf(skip)('is read by as many ranges at once as it may be, and whole', async () => {
    await using proxy = await startProxy(bucket.url);
    const options = bucket.options({ concurrency: 3 });
    await using direct = s3Store(options);
    await using store = s3Store({ ...options, endpoint: proxy.url });
    await direct.put(name, bodyOf(bytes), { signal });
    let most = 0;
    const chunks: Uint8Array[] = [];

    for await (const chunk of store.get(name, { signal })) {
      most = Math.max(most, proxy.open);
      chunks.push(Uint8Array.from(chunk));
    }

    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    expect(most).toBeGreaterThanOrEqual(3);
    // One that has ended may be there a moment longer.
    expect(most).toBeLessThanOrEqual(4);
  });

  test.skipIf(skip)('gives any range across its windows', async () => {
    const store = s3Store(bucket.options());
    await store.put(name, bodyOf(bytes), { signal });

    for (const [start, end] of [
      [5 * mib - 1, 5 * mib + 1],
      [3 * mib, 20 * mib + 5],
      [1, bytes.byteLength],
      [10 * mib, 15 * mib],
    ] as const) {
      const read = await readBytes(store, name, { start, end });
      expect({ start, same: read.equals(bytes.subarray(start, end)) }).toEqual({
        start,
        same: true,
      });
    }
  });

  test.skipIf(skip)('that is replaced while it is read is never a mixture', async () => {
    const store = s3Store(bucket.options({ concurrency: 1 }));
    await store.put(name, bodyOf(bytes), { signal });
    const other = bytesOf(bytes.byteLength, 2);
    const read = async () => {
      let [at, replaced] = [0, false];
      for await (const chunk of store.get(name, { signal })) {
        expect(bytes.subarray(at, at + chunk.byteLength).equals(chunk)).toBe(true);
        at += chunk.byteLength;
        if (!replaced) await store.put(name, bodyOf(other), { signal });
        replaced = true;
      }
    };

    await expect(read()).rejects.toMatchObject({
      code: 'object-damaged',
      message: expect.stringContaining('was replaced while it was read'),
    });
  });

  test.skipIf(skip)('that is removed while it is read is told', async () => {
    const store = s3Store(bucket.options({ concurrency: 1 }));
    await store.put(name, bodyOf(bytes), { signal });
    const read = async () => {
      for await (const _ of store.get(name, { signal })) await store.remove(name, { signal });
    };

    await expect(read()).rejects.toMatchObject({ code: 'object-missing' });
  });

  test.skipIf(skip)('has small ones beside it that take one request', async () => {
    await using proxy = await startProxy(bucket.url);
    const options = bucket.options();
    await using store = s3Store({ ...options, endpoint: proxy.url });
    await putBytes(store, name, bytes.subarray(0, 100_000));
    const before = proxy.passed['to-client'];

    const read = await readBytes(store, name);

    expect(read.equals(bytes.subarray(0, 100_000))).toBe(true);
    // One answer's head and the bytes.
    expect(proxy.passed['to-client'] - before).toBeLessThan(101_500);
  });
});
