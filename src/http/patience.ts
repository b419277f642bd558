/**
 * How long a call is worked on: until its limit, and no longer than somebody waits for the answer.
 * The signal of a request is of no use for it: it ends when the last byte of the body has come.
 */
import type { ServerResponse } from 'node:http';
import { Failure } from '../core/errors.ts';

/** Throws `timed-out` at the limit, `stopped` when the caller has gone: whatever the work does. */
export async function whileAwaited<T>(
  response: ServerResponse,
  limitMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const ending = new AbortController();
  const end = (failure: Failure): void => {
    ending.abort(failure);
    reject(failure);
  };
  const timer = setTimeout(() => {
    end(new Failure('timed-out', 'the call took longer than its limit'));
  }, limitMs);
  const leave = (): void => end(new Failure('stopped', 'the caller did not wait for the answer'));
  response.once('close', leave);
  try {
    return await Promise.race([work(ending.signal), ended]);
  } finally {
    clearTimeout(timer);
    response.off('close', leave);
  }
}
