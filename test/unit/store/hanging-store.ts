/** A store that can be made to hang as a dead disk does: no answer, whatever its signal says. */
import type { Store } from '../../../src/store/port.ts';

export class HangingStore implements Store {
  readonly #inner: Store;
  #method: string | undefined;
  #wake: (failure: Error | undefined) => void = () => {};
  /** All calls so far. */
  calls = 0;

  constructor(inner: Store) {
    this.#inner = inner;
  }

  get name(): string {
    return this.#inner.name;
  }

  describe(): string {
    return this.#inner.describe();
  }

  /** From now on the method hangs; a get or list hangs at its next item. */
  hangIn(method: string): void {
    this.#method = method;
  }

  /** Everything goes on, with an answer or a failure. */
  wake(failure?: Error): void {
    this.#method = undefined;
    this.#wake(failure);
  }

  put(...call: Parameters<Store['put']>): ReturnType<Store['put']> {
    return this.#answer('put', () => this.#inner.put(...call));
  }

  async *get(...call: Parameters<Store['get']>): AsyncGenerator<Uint8Array, void, undefined> {
    yield* this.#items('get', this.#inner.get(...call));
  }

  stat(...call: Parameters<Store['stat']>): ReturnType<Store['stat']> {
    return this.#answer('stat', () => this.#inner.stat(...call));
  }

  list(...call: Parameters<Store['list']>): ReturnType<Store['list']> {
    return this.#items('list', this.#inner.list(...call));
  }

  remove(...call: Parameters<Store['remove']>): ReturnType<Store['remove']> {
    return this.#answer('remove', () => this.#inner.remove(...call));
  }

  sweep(...call: Parameters<Store['sweep']>): ReturnType<Store['sweep']> {
    return this.#answer('sweep', () => this.#inner.sweep(...call));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }

  /** Its calls as own properties, some of which may be replaced. */
  plain(): Store {
    return {
      name: this.name,
      describe: () => this.describe(),
      put: (...call) => this.put(...call),
      get: (...call) => this.get(...call),
      stat: (...call) => this.stat(...call),
      list: (...call) => this.list(...call),
      remove: (...call) => this.remove(...call),
      sweep: (...call) => this.sweep(...call),
      [Symbol.asyncDispose]: () => this[Symbol.asyncDispose](),
    };
  }

  async #answer<T>(method: string, call: () => Promise<T>): Promise<T> {
    this.calls += 1;
    await this.#hang(method);
    return call();
  }

  async *#items<T>(method: string, items: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    this.calls += 1;
    await this.#hang(method);
    for await (const item of items) {
      yield item;
      await this.#hang(method);
    }
  }

  async #hang(method: string): Promise<void> {
    if (this.#method !== method) return;
    await new Promise<void>((resolve, reject) => {
      this.#wake = (failure) => (failure === undefined ? resolve() : reject(failure));
    });
  }
}
