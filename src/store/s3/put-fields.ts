/** What a put asks for beside its bytes: the same for single puts and for uploads in parts. */
import type { S3StoreOptions } from './options.ts';

const dayMs = 24 * 60 * 60 * 1000;

export interface PutFields {
  readonly ContentType: 'application/octet-stream';
  readonly ServerSideEncryption?: 'AES256' | 'aws:kms';
  readonly SSEKMSKeyId?: string;
  readonly StorageClass?: 'STANDARD';
  readonly ObjectLockMode?: 'GOVERNANCE' | 'COMPLIANCE';
  readonly ObjectLockRetainUntilDate?: Date;
}

export function putFields(
  { encryption, storageClass, lock }: Pick<S3StoreOptions, 'encryption' | 'storageClass' | 'lock'>,
  now: Date,
): PutFields {
  const until = lock === null ? now : new Date(now.getTime() + lock.days * dayMs);
  return {
    ContentType: 'application/octet-stream',
    ...(encryption.kind === 'none' ? {} : { ServerSideEncryption: encryption.kind }),
    ...(encryption.kind === 'aws:kms' && encryption.keyId !== null
      ? { SSEKMSKeyId: encryption.keyId }
      : {}),
    // The SDK knows a list of classes; servers have classes of their own.
    ...(storageClass === null ? {} : { StorageClass: storageClass as 'STANDARD' }),
    ...(lock === null ? {} : { ObjectLockMode: lock.mode, ObjectLockRetainUntilDate: until }),
  };
}
