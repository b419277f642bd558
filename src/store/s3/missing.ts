import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { Failure } from '../../core/errors.ts';
import type { ObjectName } from '../../core/names.ts';
import type { Connection } from './connection.ts';
import { isAbsent, type Place, toStoreFailure } from './failures.ts';

export interface Absent {
  readonly store: Place;
  readonly connection: Connection;
  readonly object: { readonly Bucket: string; readonly Key: string };
  readonly name: ObjectName;
  readonly signal: AbortSignal;
}

/** What to tell: a head says the same of an object and of a bucket that is not there. */
export async function missingObject(absent: Absent, cause: unknown): Promise<Failure> {
  const { store, connection, name, signal } = absent;
  const { Bucket, Key } = absent.object;
  const command = new HeadBucketCommand({ Bucket });
  const action = `look at ${Key}`;
  try {
    await connection.tryCall((client, limits) => client.send(command, limits), { signal, action });
  } catch (thrown) {
    signal.throwIfAborted();
    if (isAbsent(thrown)) {
      const named = Object.assign(thrown as Error, { name: 'NoSuchBucket' });
      return toStoreFailure(named, store, action);
    }
    // A key that may not look at the bucket has still been told that the object is not there.
  }
  const message = `store ${store.name} (${store.describe()}): there is no ${Key}`;
  return new Failure('object-missing', message, {
    cause,
    context: { store: store.name, object: name },
  });
}
