/** Buckets for tests of the S3 store. */
import { randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Secret } from '../../src/core/secret.ts';
import type { S3StoreOptions } from '../../src/store/s3/options.ts';
import type { CephKeys } from './ceph.ts';

export const leastPartBytes = 5 * 1024 * 1024;

/** A store of a new prefix; `changes` say what is different. */
export function s3Options(
  url: string,
  keys: CephKeys,
  changes: Partial<S3StoreOptions> = {},
): S3StoreOptions {
  return {
    name: 'cloud',
    bucket: 'backups',
    prefix: `test/${randomBytes(6).toString('hex')}`,
    region: 'us-east-1',
    endpoint: url,
    pathStyle: true,
    ca: null,
    readKeys: () => secretKeys(keys),
    partBytes: leastPartBytes,
    concurrency: 3,
    checksums: 'auto',
    encryption: { kind: 'none' },
    storageClass: null,
    lock: null,
    stallTimeoutMs: 10_000,
    ...changes,
  };
}

export function secretKeys({ accessKeyId, secretAccessKey }: CephKeys) {
  return {
    accessKeyId: new Secret(accessKeyId),
    secretAccessKey: new Secret(secretAccessKey),
    sessionToken: null,
  };
}

/** The SDK itself, for what the store cannot be asked. */
export function s3Client(url: string, keys: CephKeys): S3Client {
  const requestHandler = { requestTimeout: 30_000, throwOnRequestTimeout: true };
  return new S3Client({
    endpoint: url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: keys,
    requestHandler,
  });
}

export async function makeBucket(url: string, keys: CephKeys, name = 'backups'): Promise<void> {
  await s3Client(url, keys).send(new CreateBucketCommand({ Bucket: name }));
}

/** What a process leaves that was killed in the middle of a put. */
export async function beginUpload(url: string, keys: CephKeys, key: string): Promise<void> {
  const command = new CreateMultipartUploadCommand({ Bucket: 'backups', Key: key });
  await s3Client(url, keys).send(command);
}

/** Keys of the uploads that are neither completed nor abandoned. */
export async function openUploads(
  url: string,
  keys: CephKeys,
  prefix: string,
  bucket = 'backups',
): Promise<string[]> {
  const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix });
  const { Uploads = [] } = await s3Client(url, keys).send(command);
  return Uploads.map(({ Key = '' }) => Key);
}
