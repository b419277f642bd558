import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isPassing, KeySourceError, toStoreFailure } from '../../../../src/store/s3/failures.ts';
import { leastPartBytes, planParts } from '../../../../src/store/s3/part-plan.ts';
import { putFields } from '../../../../src/store/s3/put-fields.ts';

const mib = 1024 * 1024;

describe('the parts of a body', () => {
  test('are as large as configured, as long as there are not too many', () => {
    expect(planParts(0, 16 * mib)).toEqual({ partBytes: 16 * mib, parts: 1 });
    expect(planParts(16 * mib, 16 * mib)).toEqual({ partBytes: 16 * mib, parts: 1 });
    expect(planParts(16 * mib + 1, 16 * mib)).toEqual({ partBytes: 16 * mib, parts: 2 });
    expect(planParts(160_000 * mib, 16 * mib).parts).toBe(10_000);
    expect(planParts(160_000 * mib + 1, 16 * mib)).toEqual({ partBytes: 17 * mib, parts: 9412 });
  });

  test('hold the body and keep to the limits of the protocol, whatever is asked for', () => {
    const tebibyte = 2 ** 40;
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 5 * tebibyte }),
        fc.integer({ min: 1, max: 5 * 2 ** 30 }),
        (sizeBytes, configured) => {
          const { partBytes, parts } = planParts(sizeBytes, configured);

          expect(partBytes).toBeGreaterThanOrEqual(leastPartBytes);
          expect(parts).toBeLessThanOrEqual(10_000);
          expect(partBytes * parts).toBeGreaterThanOrEqual(sizeBytes);
          expect(partBytes * (parts - 1)).toBeLessThan(Math.max(sizeBytes, 1));
        },
      ),
    );
  });
});

describe('what a put asks for', () => {
  const nothing = { encryption: { kind: 'none' }, storageClass: null, lock: null } as const;
  const now = new Date('2026-01-31T12:00:00Z');

  test('is nothing where nothing is configured', () => {
    expect(putFields(nothing, now)).toEqual({ ContentType: 'application/octet-stream' });
  });

  test('is the encryption, the class and the lock that are configured', () => {
    const encryption = { kind: 'aws:kms', keyId: 'alias/a' } as const;
    const lock = { mode: 'COMPLIANCE', days: 30 } as const;

    expect(putFields({ encryption, storageClass: 'COLD', lock }, now)).toEqual({
      ContentType: 'application/octet-stream',
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: 'alias/a',
      StorageClass: 'COLD',
      ObjectLockMode: 'COMPLIANCE',
      ObjectLockRetainUntilDate: new Date('2026-03-02T12:00:00Z'),
    });
    expect(putFields({ ...nothing, encryption: { kind: 'AES256' } }, now)).toMatchObject({
      ServerSideEncryption: 'AES256',
    });
  });
});

describe('what a server or the way to it says', () => {
  const place = { name: 'cloud', describe: () => 's3 backups at https://s3' };
  const answer = (name: string, status: number) =>
    Object.assign(new Error('words'), { name, $metadata: { httpStatusCode: status } });
  const system = (code: string) => Object.assign(new Error('words'), { code });

  test.each([
    [
      answer('SomethingNew', 400),
      'store-failed',
      'the server says SomethingNew, 400, words',
      false,
    ],
    [
      answer('SomethingNew', 403),
      'store-denied',
      'access denied (SomethingNew, 403, words)',
      false,
    ],
    [answer('ExpiredToken', 400), 'store-denied', 'the session token has expired', false],
    [answer('QuotaExceeded', 403), 'store-full', 'the quota is used up', false],
    [answer('InsufficientStorage', 507), 'store-full', 'the server has no room', false],
    [answer('InternalError', 500), 'store-failed', 'the server says InternalError', true],
    [
      answer('NotImplemented', 501),
      'store-failed',
      'the server does not know what is asked for (NotImplemented',
      false,
    ],
    [answer('TooManyRequests', 429), 'store-failed', 'asks for fewer requests', true],
    [answer('BadDigest', 400), 'store-failed', 'the bytes were changed on their way', true],
    [system('ENOTFOUND'), 'store-failed', 'the name of the server is not known', true],
    [system('ECONNRESET'), 'store-failed', 'the connection broke off (ECONNRESET, words)', true],
    [system('CERT_HAS_EXPIRED'), 'store-failed', 'the certificate of the server has', false],
    [system('SELF_SIGNED_CERT_IN_CHAIN'), 'store-failed', 'not signed by a known', false],
    [new TypeError('a fault of ours'), 'store-failed', 'a fault of ours', false],
    [system('ERR_TLS_CERT_ALTNAME_INVALID'), 'store-failed', 'is for another name', false],
    [
      new KeySourceError(answer('ExpiredTokenException', 403)),
      'store-denied',
      'put a/b: no key was given: access denied (ExpiredTokenException, 403, words)',
      false,
    ],
    [
      new KeySourceError(system('ECONNREFUSED')),
      'store-failed',
      'no key was given: the server refuses the connection (ECONNREFUSED, words)',
      true,
    ],
  ])('%s is told as %s: %s; tried again: %s', (thrown, code, reason, passing) => {
    const told = toStoreFailure(thrown, place, 'put a/b');

    expect(told.code).toBe(code);
    expect(told.message).toContain('store cloud (s3 backups at https://s3): cannot put a/b: ');
    expect(told.message).toContain(reason);
    expect(isPassing(thrown)).toBe(passing);
  });

  test.each([
    ['InvalidArgument', true],
    ['InvalidBucketName', false],
  ])('%s comes with the advice to ask for less: %s', (code, isAdvised) => {
    const { hint } = toStoreFailure(answer(code, 400), place, 'put a/b');

    expect(hint.includes('try without sse, storageClass, objectLock')).toBe(isAdvised);
  });
});
