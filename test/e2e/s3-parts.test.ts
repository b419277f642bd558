/** What the contract asks of every store, once more for bodies that are sent in parts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Body } from '../../src/store/port.ts';
import { s3Store } from '../../src/store/s3/store.ts';
import {
  bodyOf,
  bodyThat,
  bytesOf,
  farFuture,
  named,
  namesIn,
  putBytes,
  readBytes,
  signal,
} from '../contract/store-bodies.ts';
import { startBucket, type TestBucket } from '../support/bucket.ts';
import { cephHere } from '../support/ceph.ts';
import { openUploads, s3Client } from '../support/s3.ts';
import { crc, sha256, sumOfSums } from '../support/s3-sums.ts';

const { packages, skip } = await cephHere('sid');
const mib = 1024 * 1024;
const name = named('0123456789abcdef/object.db');
const bytes = bytesOf(17 * mib + 3, 1);
/** As the store cuts them here. */
const parts = [0, 5, 10, 15].map((at) => bytes.subarray(at * mib, (at + 5) * mib));

describe.skipIf(skip !== undefined)(`a body in parts${skip ? ` (${skip})` : ''}`, () => {
  let bucket: TestBucket;

  beforeAll(async () => {
    if (packages !== undefined) bucket = await startBucket(packages);
  });
  afterAll(() => bucket?.[Symbol.asyncDispose]());

  function place() {
    const options = bucket.options();
    return {
      store: s3Store(options),
      other: s3Store(options),
      uploads: () => openUploads(bucket.url, bucket.keys, options.prefix),
    };
  }

  test('is kept whole, whatever the size of its chunks, and read by ranges', async () => {
    const { store, uploads } = place();

    const facts = await store.put(name, bodyOf(bytes, 777_777), { signal });

    expect(facts).toEqual({ compared: 'checksum' });
    expect((await readBytes(store, name)).equals(bytes)).toBe(true);
    const across = { start: 5 * mib - 10, end: 10 * mib + 10 };
    const read = await readBytes(store, name, across);
    expect(read.equals(bytes.subarray(across.start, across.end))).toBe(true);
    expect(await uploads()).toEqual([]);
  });

  test.each([
    ['a CRC-32C of the whole', 'auto', { ChecksumCRC32C: crc(bytes), ChecksumSHA256: undefined }],
    [
      'SHA-256, where that is wanted',
      'sha256',
      { ChecksumCRC32C: undefined, ChecksumSHA256: sumOfSums(sha256, parts) },
    ],
  ] as const)('is compared by %s', async (_, checksums, kept) => {
    const options = bucket.options({ checksums });
    await using store = s3Store(options);

    expect(await store.put(name, bodyOf(bytes), { signal })).toEqual({ compared: 'checksum' });

    const object = { Bucket: options.bucket, Key: `${options.prefix}/${name}` };
    const asked = new HeadObjectCommand({ ...object, ChecksumMode: 'ENABLED' });
    const { ChecksumCRC32C, ChecksumSHA256 } = await s3Client(bucket.url, bucket.keys).send(asked);
    expect({ ChecksumCRC32C, ChecksumSHA256 }).toEqual(kept);
  });

  test('appears at once, and another process sweeps it away only when it is old', async () => {
    const { store, other, uploads } = place();
    let seen: unknown;
    const body = bodyThat(bytes.byteLength, [bytes], async () => {
      const hourAgo = new Date(Date.now() - 3_600_000);
      seen = {
        names: await namesIn(store),
        uploads: (await uploads()).length,
        own: await store.sweep(farFuture, { signal }),
        others: await other.sweep(hourAgo, { signal }),
      };
    });

    await store.put(name, body, { signal });

    expect(seen).toEqual({ names: [], uploads: 1, own: 0, others: 0 });
    expect(await namesIn(store)).toEqual([name]);
  });

  const broken = new Error('the member went away');
  const stopped = new Error('stopped by the test');
  const breaking = async () => {
    throw broken;
  };
  const never = () => new Promise<void>(() => {});
  test.each<[string, () => Body, object]>([
    ['breaks', () => bodyThat(bytes.byteLength + 1, [bytes], breaking), broken],
    ['is short', () => bodyThat(bytes.byteLength + 1, [bytes]), { code: 'internal' }],
    ['is long', () => bodyThat(bytes.byteLength - 1, [bytes]), { code: 'internal' }],
    ['is stopped', () => bodyThat(bytes.byteLength + 1, [bytes], never), stopped],
  ])('that %s leaves no upload and the old object', async (_, body, thrown) => {
    const { store, uploads } = place();
    await putBytes(store, name, 'old');
    const stop = new AbortController();
    void sleep(500).then(() => stop.abort(stopped));

    const ended = await store
      .put(name, body(), { signal: stop.signal })
      .catch((error: unknown) => error);

    expect(ended).toMatchObject(thrown);
    expect(await uploads()).toEqual([]);
    expect(String(await readBytes(store, name))).toBe('old');
  });

  test('that is swept away by another process meanwhile is told', async () => {
    const { store, other } = place();
    const body = bodyThat(bytes.byteLength, [bytes], async () => {
      expect(await other.sweep(farFuture, { signal })).toBe(1);
    });

    await expect(store.put(name, body, { signal })).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringContaining('NoSuchUpload'),
    });

    expect(await namesIn(store)).toEqual([]);
  });
});
