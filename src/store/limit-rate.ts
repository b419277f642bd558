/**
 * A limit on what goes to a store and comes from it, so that a backup leaves room on a line that
 * others need. All calls of the store share it.
 *
 * Only bytes that are read from a body count: a store that links to the body's file transfers
 * nothing, and the port lets it do no more with that file. A store that collects parts before it
 * sends them (S3) sends each at the speed of the line; the limit then holds over several parts.
 */
import type { Body, Store } from './port.ts';

export interface RateLimits {
  /** Bytes per second; null: no limit. */
  readonly upload: number | null;
  readonly download: number | null;
}

/** The same store, slower. Without a limit it is the store itself. */
export function limitRate(store: Store, { upload, download }: RateLimits): Store {
  if (upload === null && download === null) return store;
  const up = upload === null ? undefined : new Pace(upload);
  const down = download === null ? undefined : new Pace(download);
  const examine = store.examine?.bind(store);
  return {
    name: store.name,
    describe: () => store.describe(),
    put: (name, body, limits) => {
      return store.put(name, up === undefined ? body : paced(body, up, limits.signal), limits);
    },
    get: (name, wanted) => {
      const bytes = store.get(name, wanted);
      return down === undefined ? bytes : down.pass(bytes, wanted.signal);
    },
    stat: (name, limits) => store.stat(name, limits),
    list: (prefix, limits) => store.list(prefix, limits),
    remove: (name, limits) => store.remove(name, limits),
    sweep: (olderThan, limits) => store.sweep(olderThan, limits),
    ...(examine && { examine }),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

function paced(body: Body, pace: Pace, signal: AbortSignal): Body {
  return { ...body, open: () => pace.pass(body.open(), signal) };
}

/** What was not used for so long may still be used: no more than this comes at once. */
const creditMs = 250;
/** Large chunks go in pieces, so that calls take turns and the line sees no bursts. */
const pieceMs = 50;

/** Lets bytes pass one after another, each piece when the time of those before it is over. */
class Pace {
  readonly #bytesPerMs: number;
  /** When all that was let pass is paid for. Late timers are made up for: the sum stays exact. */
  #paidMs = Number.NEGATIVE_INFINITY;

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  async *pass(
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const pieceBytes = Math.ceil(this.#bytesPerMs * pieceMs);
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
        const piece = chunk.subarray(at, at + pieceBytes);
        await until(this.#pay(piece.byteLength), signal);
        yield piece;
      }
    }
  }

  #pay(bytes: number): number {
    const fromMs = Math.max(this.#paidMs, performance.now() - creditMs);
    this.#paidMs = fromMs + bytes / this.#bytesPerMs;
    return this.#paidMs;
  }
}

/** Ends at once on an abort, with the signal's reason. */
async function until(dueMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const waitMs = dueMs - performance.now();
  // Too short for a timer: it is waited for with the pieces that follow.
  if (waitMs < 1) return;
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, waitMs);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
