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

/** What every request for the bytes of an object must carry that has a key of the customer. */
export interface CustomerFields {
  readonly SSECustomerAlgorithm?: 'AES256';
  readonly SSECustomerKey?: string;
}

/** Throws where the key cannot be read. */
export function customerFields({ encryption }: Pick<S3StoreOptions, 'encryption'>): CustomerFields {
  if (encryption.kind !== 'customer') return {};
  return {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: encryption.readKey().toString('base64'),
  };
}

export function putFields(
  { encryption, storageClass, lock }: Pick<S3StoreOptions, 'encryption' | 'storageClass' | 'lock'>,
  now: Date,
): PutFields {
  const until = lock === null ? now : new Date(now.getTime() + lock.days * dayMs);
  return {
    ContentType: 'application/octet-stream',
    ...(encryption.kind === 'none' || encryption.kind === 'customer'
      ? {}
      : { ServerSideEncryption: encryption.kind }),
    ...(encryption.kind === 'aws:kms' && encryption.keyId !== null
      ? { SSEKMSKeyId: encryption.keyId }
      : {}),
    // The SDK knows a list of classes; servers have classes of their own.
    ...(storageClass === null ? {} : { StorageClass: storageClass as 'STANDARD' }),
    ...(lock === null ? {} : { ObjectLockMode: lock.mode, ObjectLockRetainUntilDate: until }),
  };
}
