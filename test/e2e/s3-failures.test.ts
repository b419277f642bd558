import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectRetentionCommand,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { S3StoreOptions } from '../../src/store/s3/options.ts';
import { s3Store } from '../../src/store/s3/store.ts';
import {
  bodyOf,
  bytesOf,
  collect,
  named,
  namesIn,
  putBytes,
  readBytes,
  signal,
} from '../contract/store-bodies.ts';
import { startBucket } from '../support/bucket.ts';
import { type Ceph, type CephKeys, cephHere } from '../support/ceph.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import {
  beginUpload,
  makeBucket,
  openUploads,
  s3Client,
  s3Options,
  secretKeys,
} from '../support/s3.ts';

const { packages, skip } = await cephHere('sid');
const mib = 1024 * 1024;
const name = named('0123456789abcdef/object.db');

describe.skipIf(skip !== undefined)(`the S3 store with trouble${skip ? ` (${skip})` : ''}`, () => {
  let ceph: Ceph;
  let keys: CephKeys;
  let certificates: Certificates;
  const folder = mkdtempSync(join(tmpdir(), 's3-tls-'));

  beforeAll(async () => {
    if (packages === undefined) return;
    certificates = makeCertificates(folder);
    ({ ceph, keys } = await startBucket(packages, certificates.server));
  });

  afterAll(async () => {
    await ceph?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });
  afterEach(() => void vi.useRealTimers());

  const storeWith = (changes: Partial<S3StoreOptions> = {}, its = keys) =>
    s3Store(s3Options(ceph.url, its, changes));

  test('says which half of the key is wrong', async () => {
    await using unknown = storeWith({}, { ...keys, accessKeyId: 'NOBODY' });
    await using wrong = storeWith({}, { ...keys, secretAccessKey: 'wrong' });

    await expect(putBytes(unknown, name, 'x')).rejects.toMatchObject({
      code: 'store-denied',
      message: expect.stringMatching(
        /^store cloud \(s3 backups\/test\/\w+ at http.*\): cannot put .*object.db: the server does not know the access key \(InvalidAccessKeyId, 403/,
      ),
      hint: expect.stringContaining('credentials'),
    });
    await expect(putBytes(wrong, name, 'x')).rejects.toMatchObject({
      code: 'store-denied',
      message: expect.stringContaining('the secret key is not that of the access key'),
    });
  });

  test('says in every call that there is no such bucket', async () => {
    await using store = storeWith({ bucket: 'nowhere' });
    const noBucket = { code: 'store-failed', message: expect.stringContaining('no such bucket') };

    await expect(putBytes(store, name, 'x')).rejects.toMatchObject(noBucket);
    await expect(store.put(name, bodyOf(bytesOf(6 * mib, 1)), { signal })).rejects.toMatchObject(
      noBucket,
    );
    await expect(readBytes(store, name)).rejects.toMatchObject(noBucket);
    await expect(store.stat(name, { signal })).rejects.toMatchObject(noBucket);
    await expect(namesIn(store)).rejects.toMatchObject(noBucket);
    await expect(store.sweep(new Date(), { signal })).rejects.toMatchObject(noBucket);
  });

  test('says again and again that the clock is wrong', async () => {
    await using store = storeWith();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });

    for (let turn = 0; turn < 2; turn += 1) {
      await expect(putBytes(store, name, 'x')).rejects.toMatchObject({
        code: 'store-denied',
        message: expect.stringContaining('the clocks of this host and the server differ'),
        hint: expect.stringContaining('clock'),
      });
    }
  });

  test('says what is denied: reading, putting, removing', async () => {
    const stranger = await ceph.user('stranger');
    const may = (Action: string[]) => ({
      Effect: 'Allow',
      Principal: { AWS: ['arn:aws:iam:::user/stranger'] },
      Action,
      Resource: ['arn:aws:s3:::half', 'arn:aws:s3:::half/*'],
    });
    await makeBucket(ceph.url, keys, 'half');
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [may(['s3:PutObject', 's3:GetObject', 's3:ListBucket'])],
    });
    await s3Client(ceph.url, keys).send(new PutBucketPolicyCommand({ Bucket: 'half', Policy }));
    await using closed = storeWith({}, stranger);
    await using half = storeWith({ bucket: 'half' }, stranger);

    await putBytes(half, name, 'x');

    const denied = (action: string) => ({
      code: 'store-denied',
      message: expect.stringMatching(`cannot ${action}.*: access denied .AccessDenied, 403`),
      hint: expect.stringContaining('s3:DeleteObject'),
    });
    await expect(half.remove(name, { signal })).rejects.toMatchObject(denied('remove'));
    await expect(half.sweep(new Date(), { signal })).rejects.toMatchObject(denied('list uploads'));
    await expect(putBytes(closed, name, 'x')).rejects.toMatchObject(denied('put'));
    await expect(readBytes(closed, name)).rejects.toMatchObject(denied('read'));
    await expect(closed.stat(name, { signal })).rejects.toMatchObject({ code: 'store-denied' });
    await expect(namesIn(closed)).rejects.toMatchObject(denied('list'));
    expect(String(await readBytes(half, name))).toBe('x');
  });

  test('says that the quota is used up, and leaves nothing behind', async () => {
    const poor = await ceph.user('poor');
    await makeBucket(ceph.url, poor, 'small');
    await ceph.run('admin quota set --quota-scope=user --uid=poor --max-size=2097152');
    await ceph.run('admin quota enable --quota-scope=user --uid=poor');
    await using store = storeWith({ bucket: 'small' }, poor);

    const full = { code: 'store-full', message: expect.stringContaining('the quota is used up') };
    await expect(putBytes(store, name, bytesOf(3 * mib, 1))).rejects.toMatchObject(full);
    await expect(putBytes(store, name, bytesOf(11 * mib, 1))).rejects.toMatchObject(full);

    expect(await namesIn(store)).toEqual([]);
    expect(await store.sweep(new Date(Date.now() + 60_000), { signal })).toBe(0);
  });

  test('says that a user is suspended, and works once he is not', async () => {
    const paused = await ceph.user('paused');
    await makeBucket(ceph.url, paused, 'paused');
    await using store = storeWith({ bucket: 'paused' }, paused);

    await ceph.run('admin user suspend --uid=paused');
    await expect(putBytes(store, name, 'x')).rejects.toMatchObject({
      code: 'store-denied',
      message: expect.stringContaining('the user is suspended'),
    });
    await ceph.run('admin user enable --uid=paused');
    await putBytes(store, name, 'x');

    expect(await namesIn(store)).toEqual([name]);
  });

  test('takes keys that were replaced while it runs', async () => {
    let current = await ceph.user('rotating');
    await makeBucket(ceph.url, current, 'rotating');
    const changes = { bucket: 'rotating', readKeys: () => secretKeys(current) };
    await using store = storeWith(changes);
    await putBytes(store, name, 'first');

    const [old, made] = [current.accessKeyId, { accessKeyId: 'NEW', secretAccessKey: 'newer' }];
    await ceph.run('admin key create --uid=rotating --access-key=NEW --secret-key=newer');
    await ceph.run(`admin key rm --uid=rotating --access-key=${old}`);
    await expect(putBytes(store, name, 'x')).rejects.toMatchObject({ code: 'store-denied' });
    current = made;
    await putBytes(store, name, 'second');

    expect(String(await readBytes(store, name))).toBe('second');
  });

  test('trusts the authority that it is told, and no other', async () => {
    const endpoint = ceph.tlsUrl ?? '';
    await using trusting = storeWith({ endpoint, ca: certificates.ca });
    await using careful = storeWith({ endpoint });
    await using strange = storeWith({ endpoint, ca: certificates.strangerCa });

    await putBytes(trusting, name, bytesOf(6 * mib, 1));

    expect((await readBytes(trusting, name)).equals(bytesOf(6 * mib, 1))).toBe(true);
    for (const store of [careful, strange]) {
      await expect(putBytes(store, name, 'x')).rejects.toMatchObject({
        code: 'store-failed',
        message: expect.stringContaining('not signed by a known authority'),
        hint: expect.stringContaining('stores[].s3.ca'),
      });
    }
  });

  test('says that nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    await using store = storeWith({ endpoint: `http://127.0.0.1:${port}` });

    await expect(collect(store.list('', { signal }))).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringContaining('the server refuses the connection (ECONNREFUSED'),
    });
  });

  test('ends every call to a server that hangs, and works once it goes on', async () => {
    await using store = storeWith({ stallTimeoutMs: 500 });
    await putBytes(store, name, 'before');
    const silent = { code: 'store-failed', message: expect.stringContaining('does not answer') };

    // What a stopped server has in its sockets it may still do when it goes on.
    const late = named('a/late');
    await ceph.run('kill -STOP $gateway_pid');
    try {
      await Promise.all([
        expect(putBytes(store, late, 'x')).rejects.toMatchObject(silent),
        expect(putBytes(store, late, bytesOf(6 * mib, 1))).rejects.toMatchObject(silent),
        expect(readBytes(store, name)).rejects.toMatchObject(silent),
        expect(store.stat(name, { signal })).rejects.toMatchObject(silent),
        expect(namesIn(store)).rejects.toMatchObject(silent),
        expect(store.remove(late, { signal })).rejects.toMatchObject(silent),
      ]);
    } finally {
      await ceph.run('kill -CONT $gateway_pid');
    }

    await putBytes(store, name, 'after');
    expect(String(await readBytes(store, name))).toBe('after');
  });

  test('goes slower when the server asks for it, and says so when that does not help', async () => {
    const eager = await ceph.user('eager');
    await makeBucket(ceph.url, eager, 'eager');
    await using store = storeWith({ bucket: 'eager' }, eager);
    const limit = 'admin ratelimit set --ratelimit-scope=user --uid=eager --max-write-ops=2';
    await ceph.run(limit);
    await ceph.run('admin ratelimit enable --ratelimit-scope=user --uid=eager');

    const puts = Array.from({ length: 12 }, (_, at) => putBytes(store, `a/${at}`, 'x'));
    const ended = await Promise.allSettled(puts);

    const refused = ended.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const one of refused) {
      expect((one as PromiseRejectedResult).reason).toMatchObject({
        code: 'store-failed',
        message: expect.stringMatching(/asks for fewer requests \(.*503/),
      });
    }
  });

  test('sweeps uploads below its own prefix only', async () => {
    await using store = storeWith({ prefix: 'ours' });
    await beginUpload(ceph.url, keys, 'ours/a.db');
    await beginUpload(ceph.url, keys, 'ours-not/a.db');
    await beginUpload(ceph.url, keys, 'elsewhere/a.db');

    const swept = await store.sweep(new Date(Date.now() + 60_000), { signal });

    expect(swept).toBe(1);
    expect(await openUploads(ceph.url, keys, 'ours')).toEqual(['ours-not/a.db']);
    expect(await openUploads(ceph.url, keys, 'elsewhere')).toEqual(['elsewhere/a.db']);
  });

  test('locks what it puts, in one request and in parts, for the days that it is told', async () => {
    const client = s3Client(ceph.url, keys);
    const Bucket = 'locked';
    await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
    await using store = storeWith({ bucket: Bucket, lock: { mode: 'GOVERNANCE', days: 3 } });
    const [, prefix = ''] = / locked\/(\S+) /.exec(store.describe()) ?? [];

    await putBytes(store, 'small', 'x');
    await store.put(named('large'), bodyOf(Buffer.alloc(6 * mib)), { signal });
    await store.remove(named('small'), { signal });

    for (const key of ['small', 'large']) {
      const { Versions = [] } = await client.send(
        new ListObjectVersionsCommand({ Bucket, Prefix: `${prefix}/${key}` }),
      );
      const version = { Bucket, Key: `${prefix}/${key}`, VersionId: Versions[0]?.VersionId };
      const { Retention } = await client.send(new GetObjectRetentionCommand(version));
      const days = (Number(Retention?.RetainUntilDate) - Date.now()) / 86_400_000;
      expect(Retention?.Mode).toBe('GOVERNANCE');
      expect(days).toBeGreaterThan(2.9);
      expect(days).toBeLessThan(3.1);
      await expect(client.send(new DeleteObjectCommand(version))).rejects.toThrow(
        'forbidden by object lock',
      );
    }
    expect(await namesIn(store)).toEqual(['large']);
  });
});
