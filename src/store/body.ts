/**
 * Bodies on their way into a store. Every store reads its body through `checkedBody`, so that all
 * of them agree on what a wrong size is and none of them can hang on a body that stalls.
 */
import { Failure } from '../core/errors.ts';
import type { Body } from './port.ts';

/**
 * The bytes of a body, exactly as many as promised; it ends when that promise is kept. What the
 * body throws comes out unchanged: it is not the store's fault. A short or long body is a broken
 * promise of ours: `internal`. An abort ends the wait at once even when the body never answers
 * again, with the signal's reason.
 */
export async function* checkedBody(
  body: Body,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { sizeBytes } = body;
  const most = typeof sizeBytes === 'number' ? sizeBytes : Number.POSITIVE_INFINITY;
  let arrived = 0;
  for await (const chunk of abortable(body, signal)) {
    arrived += chunk.byteLength;
    // Told at once: a body without an end must not fill the store before anybody looks.
    if (arrived > most) throw wrongSize(name, most, `at least ${arrived}`);
    if (chunk.byteLength > 0) yield chunk;
  }
  const promised = await wholeSize(body, signal);
  if (arrived !== promised) throw wrongSize(name, promised, String(arrived));
}

/** The promised size, when it is known. Ends with the signal. */
export async function wholeSize(body: Body, signal: AbortSignal): Promise<number> {
  if (typeof body.sizeBytes === 'number') return body.sizeBytes;
  const ended = Promise.withResolvers<never>();
  const onAbort = () => ended.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([body.sizeBytes, ended.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

export function wrongSize(name: string, promised: number, arrived: string): Failure {
  return new Failure('internal', `body of ${name} has ${arrived} bytes, not ${promised}`, {
    context: { object: name, promised },
  });
}

async function* abortable(
  body: Body,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  signal.throwIfAborted();
  const iterator = body.open()[Symbol.asyncIterator]();
  // One listener for the whole body and one promise per chunk. Promise.race against one long-lived
  // promise would keep a reaction per chunk until the end: a leak that grows with the database.
  let giveUp: (reason: unknown) => void = () => {};
  const onAbort = () => giveUp(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  let ended = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      const step = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        giveUp = reject;
        iterator.next().then(resolve, (thrown) => {
          ended = true;
          reject(thrown);
        });
      });
      ended = step.done === true;
      if (step.done === true) return;
      yield step.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    if (!ended) await close(iterator, signal);
  }
}

async function close(iterator: AsyncIterator<Uint8Array>, signal: AbortSignal): Promise<void> {
  const closed = iterator.return?.();
  // A generator that is stuck answers return() only after what it is stuck on: never wait for that
  // after an abort. Whatever closing throws, the first failure is the one to tell.
  if (signal.aborted) closed?.catch(() => {});
  else await closed?.catch(() => {});
}
