/**
 * A limit on the silence of a store, for every call, whatever the store underneath does: a disk
 * that never answers, a server that takes bytes and gives no word. A slow store that moves is left
 * alone. This is the outer limit: what a store tries again by itself is part of one silence.
 *
 * A call that is given up is left behind. It cannot be ended from here, and may hold a thread of
 * the process: so the store is not asked again until that call has ended by itself.
 */
import { Failure } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import type { Body, Store } from './port.ts';
import { Silence } from './silence.ts';

export interface StallLimits {
  readonly stallMs: number;
  /**
   * What the store may have taken and not yet sent, without a sign of it: a slow line is given the
   * time for it, at the speed that the store itself takes for a hung one.
   */
  readonly heldBytes?: number;
}

/** Throws `timed-out` from any call in which nothing has moved for the limit. */
export function limitStall(store: Store, limits: StallLimits): Store {
  const watch = new Watch(store, limits);
  const examine = store.examine?.bind(store);
  return {
    name: store.name,
    describe: () => store.describe(),
    put: async (name, body, { signal, ...wanted }) => {
      using silence = watch.begin(`putting ${name}`, signal);
      return await silence.over(() => {
        return store.put(name, watched(body, silence), { ...wanted, signal: silence.signal });
      });
    },
    get: (name, { signal, ...range }) => {
      const read = (its: AbortSignal) => store.get(name, { ...range, signal: its });
      return watch.items(`reading ${name}`, signal, read);
    },
    stat: (name, { signal }) => {
      return watch.call(`looking at ${name}`, signal, (its) => store.stat(name, { signal: its }));
    },
    list: (prefix, { signal }) => {
      const read = (its: AbortSignal) => store.list(prefix, { signal: its });
      return watch.items(`listing "${prefix}"`, signal, read);
    },
    remove: (name, { signal }) => {
      return watch.call(`removing ${name}`, signal, (its) => store.remove(name, { signal: its }));
    },
    sweep: (olderThan, { signal }) => {
      return watch.call('sweeping', signal, (its) => store.sweep(olderThan, { signal: its }));
    },
    ...(examine && {
      examine: (probe, { signal }) => {
        return watch.call('trying it', signal, (its) => examine(probe, { signal: its }));
      },
    }),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

class Watch {
  readonly #store: Store;
  readonly #limits: Required<StallLimits>;
  /** Calls that were given up and have not ended. */
  #hanging = 0;

  constructor(store: Store, { stallMs, heldBytes = 0 }: StallLimits) {
    this.#store = store;
    this.#limits = { stallMs, heldBytes };
  }

  begin(doing: string, signal: AbortSignal): Silence {
    signal.throwIfAborted();
    if (this.#hanging > 0) throw this.#failure(`still hangs, so there was no ${doing}`);
    return new Silence(signal, {
      ...this.#limits,
      failure: (ms) => this.#failure(`nothing moved for ${formatDuration(ms)} while ${doing}`),
      leave: (call) => this.#leave(call),
    });
  }

  async call<T>(
    doing: string,
    signal: AbortSignal,
    send: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    using silence = this.begin(doing, signal);
    return await silence.over(() => send(silence.signal));
  }

  /** While the caller has an item, the store owes nothing. */
  async *items<T>(
    doing: string,
    signal: AbortSignal,
    read: (signal: AbortSignal) => AsyncIterable<T>,
  ): AsyncGenerator<T, void, undefined> {
    using silence = this.begin(doing, signal);
    const iterator = read(silence.signal)[Symbol.asyncIterator]();
    let ended = false;
    try {
      for (;;) {
        const step = await silence.over(() => iterator.next());
        ended = step.done === true;
        if (step.done === true) return;
        yield step.value;
      }
    } catch (thrown) {
      ended = true;
      // Where it hangs it closes what it holds when it comes back, and nobody waits for that.
      iterator.return?.().catch(() => {});
      throw thrown;
    } finally {
      if (!ended) await silence.over(async () => iterator.return?.());
    }
  }

  #leave(call: Promise<unknown>): void {
    this.#hanging += 1;
    const settled = () => {
      this.#hanging -= 1;
    };
    call.then(settled, settled);
  }

  #failure(what: string): Failure {
    const { name } = this.#store;
    return new Failure('timed-out', `store ${name} (${this.#store.describe()}): ${what}`, {
      hint: 'Look at its disk, server and network; stores[].stallTimeout is how long it may hang.',
      context: { store: name },
    });
  }
}

function watched(body: Body, silence: Silence): Body {
  const { sizeBytes } = body;
  if (typeof sizeBytes !== 'number') silence.until(sizeBytes);
  return { ...body, open: () => silence.given(body.open()) };
}
