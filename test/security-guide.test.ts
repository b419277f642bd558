/** docs/security.md promises what is in the source: rights, doors, packages. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { routes } from '../src/http/routes.ts';
import { scopes } from '../src/http/tokens.ts';
import { readGuide } from './support/guides.ts';
import { type Policy, policyOf } from './support/s3-policy.ts';

const root = join(import.meta.dirname, '..');
const guide = readGuide('docs/security.md');
const json = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'));

/** What Amazon asks of whoever calls it. */
const rights: Readonly<Record<string, readonly string[]>> = {
  AbortMultipartUpload: ['s3:AbortMultipartUpload'],
  CompleteMultipartUpload: ['s3:PutObject'],
  // Where the object is to be locked.
  CreateMultipartUpload: ['s3:PutObject', 's3:PutObjectRetention'],
  DeleteObject: ['s3:DeleteObject'],
  GetObject: ['s3:GetObject'],
  GetObjectLockConfiguration: ['s3:GetBucketObjectLockConfiguration'],
  HeadBucket: ['s3:ListBucket'],
  // The latter two for what it tells of locks.
  HeadObject: ['s3:GetObject', 's3:GetObjectRetention', 's3:GetObjectLegalHold'],
  ListMultipartUploads: ['s3:ListBucketMultipartUploads'],
  ListObjectsV2: ['s3:ListBucket'],
  PutObject: ['s3:PutObject', 's3:PutObjectRetention'],
  UploadPart: ['s3:PutObject'],
};

describe('docs/security.md', () => {
  test('has a policy with the rights that the calls need, and no other', () => {
    const folder = join(root, 'src', 'store', 's3');
    const source = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    const calls = source.flatMap((text) =>
      [...text.matchAll(/new (\w+)Command\(/g)].map(([, name = '']) => name),
    );

    const needed = calls.flatMap((name) => rights[name] ?? [`of ${name} nothing is known`]);
    const given = policyOf(guide).Statement.flatMap(({ Action }) => Action);
    expect(given.toSorted()).toEqual([...new Set(needed)].toSorted());
    expect(policyOf(guide).Statement.map(isOnItsOwn)).toEqual([true, true]);
  });

  test('names every path that needs no token, and every token', () => {
    const open = routes.filter(({ scope }) => scope === 'open').map(({ path }) => `\`${path}\``);
    const { text } = guide.section('The admin API');
    const [told = ''] = /^- `\/.* need no token/m.exec(text) ?? [];

    expect([...told.matchAll(/`\/[\w.]+`/g)].map(String).toSorted()).toEqual(open.toSorted());
    expect(scopes.filter((scope) => !text.includes(`\`http.tokens.${scope}\``))).toEqual([]);
  });

  test('lists the packages of the daemon, whose versions are exact and whose digests are known', () => {
    const { dependencies, devDependencies } = json('package.json');
    const { packages } = json('package-lock.json');
    const [told = ''] = /with those that they bring: ([^.]*)\./.exec(guide.text)?.slice(1) ?? [];
    const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(String(version)),
    );
    const unknown = Object.entries<{ integrity?: string }>(packages).filter(
      ([path, { integrity }]) => path !== '' && !/^sha512-/.test(integrity ?? ''),
    );

    expect([...told.matchAll(/`([^`]+)`/g)].map(([, name]) => name)).toEqual(
      Object.keys(dependencies).toSorted(),
    );
    expect({ loose, unknown }).toEqual({ loose: [], unknown: [] });
  });
});

/** Rights on the bucket are given for the bucket, those on objects for one prefix. */
function isOnItsOwn({ Action, Resource }: Policy['Statement'][number]): boolean {
  const isBucket = !Resource.endsWith('/*');
  return Action.every((one) => /Bucket/.test(one) === isBucket);
}
