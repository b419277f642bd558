import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/port.ts';
import { s3Store } from '../../src/store/s3/store.ts';
import {
  bodyOf,
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
import { type FaultProxy, startProxy } from '../support/proxy.ts';
import { openUploads } from '../support/s3.ts';

const { packages, skip } = await cephHere('sid');
const mib = 1024 * 1024;
const name = named('0123456789abcdef/object.db');
const bytes = bytesOf(12 * mib, 1);
const stallMs = 600;

describe.skipIf(skip !== undefined)(`the way to a bucket${skip ? ` (${skip})` : ''}`, () => {
  let bucket: TestBucket;
  let proxy: FaultProxy;
  /** One place, seen through the proxy and directly. */
  let store: Store;
  let direct: Store;
  let prefix: string;

  beforeAll(async () => {
    if (packages !== undefined) bucket = await startBucket(packages);
  });
  afterAll(() => bucket?.[Symbol.asyncDispose]());

  beforeEach(async () => {
    proxy = await startProxy(bucket.url);
    const options = bucket.options({ endpoint: proxy.url, stallTimeoutMs: stallMs });
    prefix = options.prefix;
    store = s3Store(options);
    direct = s3Store({ ...options, endpoint: bucket.url, stallTimeoutMs: 10_000 });
  });
  afterEach(async () => {
    await store[Symbol.asyncDispose]();
    await direct[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  /** After whatever happened: what is listed is whole, and one cycle leaves no upload. */
  async function expectNothingTorn(): Promise<void> {
    for (const listed of await namesIn(direct)) {
      expect((await readBytes(direct, listed)).equals(bytes)).toBe(true);
    }
    await direct.sweep(farFuture, { signal });
    expect(await openUploads(bucket.url, bucket.keys, prefix)).toEqual([]);
  }

  async function untilPassed(direction: 'to-server' | 'to-client', amount: number): Promise<void> {
    await expect.poll(() => proxy.passed[direction], { interval: 2 }).toBeGreaterThan(amount);
  }

  describe('puts', () => {
    test.each([
      ['reset', { kind: 'reset' }],
      ['silent', { kind: 'silence' }],
      ['cut off', { kind: 'cut', direction: 'to-server', afterBytes: 100_000 }],
    ] as const)('survive connections that are %s for a moment', async (_, fault) => {
      const put = store.put(name, bodyOf(bytes), { signal });
      await untilPassed('to-server', mib);
      proxy.inject(fault);
      const mending = sleep(150).then(() => proxy.inject({ kind: 'pass' }));

      const [facts] = await Promise.all([put, mending]);

      expect(facts).toEqual({ compared: 'checksum' });
      expect((await readBytes(direct, name)).equals(bytes)).toBe(true);
      await expectNothingTorn();
    });

    test.each([1, 900, 100_000, 5 * mib + 500])(
      'end when every connection is reset after %i bytes of a request',
      async (afterBytes) => {
        proxy.inject({ kind: 'cut', direction: 'to-server', afterBytes });

        await expect(store.put(name, bodyOf(bytes), { signal })).rejects.toMatchObject({
          code: 'store-failed',
          message: expect.stringMatching(/the connection broke off|does not answer/),
        });

        proxy.inject({ kind: 'pass' });
        expect(await namesIn(direct)).toEqual([]);
        await expectNothingTorn();
      },
    );

    test.each([1, 400, 1_000])(
      'leave a whole object or none when every connection is reset after %i bytes of an answer',
      async (afterBytes) => {
        proxy.inject({ kind: 'cut', direction: 'to-client', afterBytes });

        const ended = await store
          .put(name, bodyOf(bytes), { signal })
          .catch((thrown: { code: string }) => thrown.code);

        proxy.inject({ kind: 'pass' });
        expect([{ compared: 'checksum' }, 'store-failed']).toContainEqual(ended);
        if (typeof ended === 'object') expect(await namesIn(direct)).toEqual([name]);
        await expectNothingTorn();
      },
    );

    test('end when nothing moves any more, and keep what was there', async () => {
      await direct.put(name, bodyOf(bytes), { signal });
      const put = store.put(name, bodyOf(bytesOf(30 * mib, 2)), { signal });
      const ended = expect(put).rejects.toMatchObject({
        code: 'store-failed',
        message: expect.stringContaining('the server does not answer'),
      });
      await untilPassed('to-server', 2 * mib);
      proxy.inject({ kind: 'silence' });
      // The upload is given up through the same connection: that must end too.
      await ended;

      proxy.inject({ kind: 'pass' });
      await expectNothingTorn();
    });

    test('take their time where the server is slow, as long as bytes move', async () => {
      proxy.inject({ kind: 'trickle', bytesPerSecond: 250_000 });
      const began = performance.now();

      await putBytes(store, name, bytes.subarray(0, 250_000));

      expect(performance.now() - began).toBeGreaterThan(stallMs);
      proxy.inject({ kind: 'pass' });
      expect((await readBytes(direct, name)).equals(bytes.subarray(0, 250_000))).toBe(true);
    });
  });

  describe('gets', () => {
    beforeEach(() => direct.put(name, bodyOf(bytes), { signal }));

    async function readUntilEnd(): Promise<{ read: Buffer; code: string | undefined }> {
      const chunks: Uint8Array[] = [];
      try {
        for await (const chunk of store.get(name, { signal })) chunks.push(Uint8Array.from(chunk));
        return { read: Buffer.concat(chunks), code: undefined };
      } catch (thrown) {
        return { read: Buffer.concat(chunks), code: (thrown as { code: string }).code };
      }
    }

    test.each([1, 1_000])(
      'give what came and a failure when the connection is reset after %i bytes',
      async (afterBytes) => {
        proxy.inject({ kind: 'cut', direction: 'to-client', afterBytes });

        const { read, code } = await readUntilEnd();

        expect(code).toBe('store-failed');
        expect(read.byteLength).toBeLessThan(bytes.byteLength);
        expect(read.equals(bytes.subarray(0, read.byteLength))).toBe(true);
      },
    );

    test.each([150_000, 2 * mib])(
      'go on where they broke off when every connection is reset after %i bytes',
      async (afterBytes) => {
        proxy.inject({ kind: 'cut', direction: 'to-client', afterBytes });

        const { read, code } = await readUntilEnd();

        expect(code).toBeUndefined();
        expect(read.equals(bytes)).toBe(true);
      },
    );

    test('end when nothing moves any more', async () => {
      const read = readUntilEnd();
      await untilPassed('to-client', 100_000);
      proxy.inject({ kind: 'silence' });

      const { code } = await read;

      // All of it may have been in the buffers of the kernel already.
      expect(['store-failed', undefined]).toContain(code);
    });

    test('go on for longer than the limit of one answer, as long as bytes move', async () => {
      proxy.inject({ kind: 'trickle', bytesPerSecond: 150_000 });
      const began = performance.now();

      const read = await readBytes(store, name, { start: 0, end: 600_000 });

      expect(performance.now() - began).toBeGreaterThan(5 * stallMs);
      expect(read.equals(bytes.subarray(0, 600_000))).toBe(true);
    });
  });

  describe('lists', () => {
    beforeEach(async () => {
      for (let at = 0; at < 30; at += 1) await putBytes(direct, `a/${at}`, 'x');
    });

    test.each([1, 500])(
      'fail when every connection is reset after %i bytes',
      async (afterBytes) => {
        proxy.inject({ kind: 'cut', direction: 'to-client', afterBytes });

        await expect(namesIn(store)).rejects.toMatchObject({ code: 'store-failed' });
      },
    );

    test('come whole through a connection that trickles', async () => {
      proxy.inject({ kind: 'trickle', bytesPerSecond: 20_000 });

      expect(await namesIn(store)).toHaveLength(30);
    });
  });
});
