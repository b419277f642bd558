/**
 * The store in a bucket, loaded with its first use: its package costs memory that nobody shall pay
 * who has no bucket.
 */
import type { Store } from '../port.ts';
import { describeBucket, type S3StoreOptions } from './options.ts';

/** As `s3Store`. */
export function bucketStore(options: S3StoreOptions): Store {
  let loading: Promise<Required<Store>> | undefined;
  const store = (): Promise<Required<Store>> => {
    loading ??= import('./store.ts').then(({ s3Store }) => s3Store(options));
    return loading;
  };
  return {
    name: options.name,
    describe: () => describeBucket(options),
    put: async (name, body, limits) => (await store()).put(name, body, limits),
    get: async function* (name, wanted) {
      yield* (await store()).get(name, wanted);
    },
    stat: async (name, limits) => (await store()).stat(name, limits),
    list: async function* (prefix, limits) {
      yield* (await store()).list(prefix, limits);
    },
    remove: async (name, limits) => (await store()).remove(name, limits),
    examine: async (probe, limits) => (await store()).examine(probe, limits),
    sweep: async (olderThan, limits) => (await store()).sweep(olderThan, limits),
    [Symbol.asyncDispose]: async () => (await loading)?.[Symbol.asyncDispose](),
  };
}
