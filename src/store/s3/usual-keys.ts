/** The key of a store whose settings name none: found where the tools of AWS look for theirs. */
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { KeySourceError, serverCode } from './failures.ts';

type Provider = ReturnType<typeof defaultProvider>;

/** A program that tells a key is not started for each request. */
const freshMs = 1000;

/**
 * The SDK's own chain, less what it remembers: a key without an end would stay what it was at the
 * start until the process ends, and so would the content of the files. One that has an end is
 * renewed by the chain, in time.
 */
export function usualKeys(init: Parameters<typeof defaultProvider>[0]): Provider {
  const open = (): Provider => defaultProvider({ ...init, ignoreCache: true });
  let chain = open();
  let staleMs = Number.POSITIVE_INFINITY;
  return async (options) => {
    if (performance.now() >= staleMs) {
      chain = open();
      staleMs = Number.POSITIVE_INFINITY;
    }
    const keys = await chain(options).catch(asSourceError);
    if (keys.expiration === undefined) staleMs = Math.min(staleMs, performance.now() + freshMs);
    return keys;
  };
}

/** Told apart from what the store's server says; that no place has a key is told as it is. */
function asSourceError(thrown: unknown): never {
  throw serverCode(thrown) === 'CredentialsProviderError' ? thrown : new KeySourceError(thrown);
}
