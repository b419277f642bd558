/** How long one call of a store has been silent, and what happens when that is too long. */

/** What no line is slower than: below it, one that trickles counts as hung. */
const leastBytesPerMs = 16;
/** How long a call that is stopped may take to clear up after itself. */
const clearingMs = 5_000;

export interface SilenceLimits {
  readonly stallMs: number;
  /** Bytes that may be on their way unseen. */
  readonly heldBytes: number;
  readonly failure: (silentMs: number) => Error;
  /** Takes over a call that has not ended. */
  readonly leave: (call: Promise<unknown>) => void;
}

/** Disposing it forgets the call; do so when it has ended or was given up. */
export class Silence implements Disposable {
  /** For the store: aborts with that of the caller, and when the call is given up. */
  readonly signal: AbortSignal;
  readonly #caller: AbortSignal;
  readonly #limits: SilenceLimits;
  readonly #end = new AbortController();
  readonly #bodies = new Set<AsyncIterator<Uint8Array>>();
  #takenBytes = 0;
  /** What the store waits for: then it is not the one that is silent. */
  #owed = 0;
  /** Chunks that it has: then it is, whatever else is owed to it. */
  #inHand = 0;
  #timer: NodeJS.Timeout | undefined;
  #giveUp: ((reason: unknown) => void) | undefined;
  readonly #onAbort = (): void => {
    this.#end.abort(this.#caller.reason);
    this.#listen();
  };

  constructor(caller: AbortSignal, limits: SilenceLimits) {
    this.#caller = caller;
    this.#limits = limits;
    this.signal = this.#end.signal;
    caller.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The store's answer, or the failure of its silence. One at a time. */
  async over<T>(call: () => Promise<T>): Promise<T> {
    const answer = call();
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#giveUp = (reason) => {
          this.#limits.leave(answer);
          reject(reason);
        };
        answer.then(resolve, reject);
        this.#listen();
      });
    } finally {
      this.#giveUp = undefined;
      clearTimeout(this.#timer);
    }
  }

  /**
   * The bytes of a body for the store. Time that the body takes is not the store's; once the call
   * is given up, a store that comes back late gets nothing more.
   */
  async *given(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    this.signal.throwIfAborted();
    const iterator = bytes[Symbol.asyncIterator]();
    this.#bodies.add(iterator);
    let ended = false;
    try {
      for (;;) {
        this.signal.throwIfAborted();
        const step = await this.#owe(() => iterator.next());
        ended = step.done === true;
        if (step.done === true) return;
        this.#takenBytes += step.value.byteLength;
        yield* this.#hand(step.value);
      }
    } catch (thrown) {
      ended = true;
      throw thrown;
    } finally {
      this.#bodies.delete(iterator);
      if (!ended) await iterator.return?.();
    }
  }

  /** What the store may have to wait for with all bytes taken: their sum, which keeps them. */
  until(size: Promise<unknown>): void {
    void this.#owe(() => size).catch(() => {});
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#caller.removeEventListener('abort', this.#onAbort);
  }

  *#hand(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    this.#inHand += 1;
    this.#listen();
    try {
      yield chunk;
    } finally {
      this.#inHand -= 1;
    }
  }

  async #owe<T>(next: () => Promise<T>): Promise<T> {
    this.#owed += 1;
    this.#listen();
    try {
      return await next();
    } finally {
      this.#owed -= 1;
      this.#listen();
    }
  }

  /** From now on the store is to say something. */
  #listen(): void {
    if (this.#giveUp === undefined) return;
    clearTimeout(this.#timer);
    if (this.#caller.aborted) this.#run(clearingMs, () => this.#caller.reason);
    else if (this.#owed === 0 || this.#inHand > 0) {
      const { stallMs, heldBytes, failure } = this.#limits;
      const ms = stallMs + Math.min(heldBytes, this.#takenBytes) / leastBytesPerMs;
      this.#run(ms, () => failure(ms));
    }
  }

  #run(ms: number, reason: () => unknown): void {
    this.#timer = setTimeout(() => this.#abandon(reason()), ms);
  }

  #abandon(reason: unknown): void {
    const giveUp = this.#giveUp;
    this.#giveUp = undefined;
    giveUp?.(reason);
    this.#end.abort(reason);
    for (const body of this.#bodies) body.return?.()?.catch(() => {});
    this.#bodies.clear();
  }
}
