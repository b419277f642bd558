/**
 * A store with faults, wrapped around a good one. Calls are counted from 1, from the moment the
 * fault is set. Every fault stays until `heal`, except `fail` and `stall`, which name one call.
 */
import type { Failure } from '../../src/core/errors.ts';
import type { ObjectName } from '../../src/core/names.ts';
import type {
  Body,
  ByteRange,
  ObjectFacts,
  PutFacts,
  PutOptions,
  Store,
} from '../../src/store/port.ts';

export type StoreMethod = 'put' | 'get' | 'stat' | 'list' | 'remove' | 'sweep';

export interface StoreCall {
  readonly method: StoreMethod;
  /** The object's name, the prefix of a list, or empty for a sweep. */
  readonly name: string;
}

interface Limits {
  readonly signal: AbortSignal;
}

interface Planned {
  readonly method: StoreMethod;
  callsLeft: number;
  readonly act: { readonly failure: Failure; readonly after: boolean } | 'stall';
}

interface Flip {
  readonly bit: number;
  readonly firstReadOnly: boolean;
  readonly name: ObjectName | undefined;
  readonly readBefore: Set<ObjectName>;
}

export function faultyStore(inner: Store): FaultyStore {
  return new FaultyStore(inner);
}

export class FaultyStore implements Store {
  readonly name: string;
  /** Every call so far, also those that failed. */
  readonly calls: StoreCall[] = [];
  readonly #inner: Store;
  #planned: Planned[] = [];
  #cuts: { readonly method: 'get' | 'put'; readonly afterBytes: number }[] = [];
  #flips: Flip[] = [];

  constructor(inner: Store) {
    this.#inner = inner;
    this.name = inner.name;
  }

  /** The `call`-th call fails. With `after` it happens first, and only its answer is lost. */
  fail(method: StoreMethod, call: number, failure: Failure, options: { after?: boolean } = {}) {
    const act = { failure, after: options.after === true };
    this.#planned.push({ method, callsLeft: call, act });
    return this;
  }

  /** The `call`-th call waits until its signal aborts. */
  stall(method: StoreMethod, call: number): this {
    this.#planned.push({ method, callsLeft: call, act: 'stall' });
    return this;
  }

  /** A store that lies: it gives or takes only the first bytes and says that all is well. */
  cut(method: 'get' | 'put', afterBytes: number): this {
    this.#cuts.push({ method, afterBytes });
    return this;
  }

  /** Reads return one wrong bit, counted from the start of the object. */
  flip(bit: number, when: 'every-read' | 'first-read', name?: ObjectName): this {
    const firstReadOnly = when === 'first-read';
    this.#flips.push({ bit, firstReadOnly, name, readBefore: new Set() });
    return this;
  }

  heal(): this {
    this.#planned = [];
    this.#cuts = [];
    this.#flips = [];
    return this;
  }

  describe(): string {
    return `faulty ${this.#inner.describe()}`;
  }

  put(name: ObjectName, body: Body, options: PutOptions): Promise<PutFacts> {
    const cut = this.#cuts.find(({ method }) => method === 'put');
    const taken = cut === undefined ? body : shorter(body, cut.afterBytes);
    return this.#answer('put', name, options, () => this.#inner.put(name, taken, options));
  }

  async *get(
    name: ObjectName,
    options: Limits & { range?: ByteRange },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const lost = await this.#before('get', name, options);
    const cut = this.#cuts.find(({ method }) => method === 'get');
    const flips = this.#flipsOf(name);
    const start = options.range?.start ?? 0;
    const whole = flipped(this.#inner.get(name, options), flips, start);
    yield* cut === undefined ? whole : firstBytes(whole, cut.afterBytes);
    if (lost !== undefined) throw lost;
  }

  stat(name: ObjectName, options: Limits): Promise<ObjectFacts> {
    return this.#answer('stat', name, options, () => this.#inner.stat(name, options));
  }

  async *list(prefix: string, options: Limits): AsyncGenerator<ObjectFacts, void, undefined> {
    const lost = await this.#before('list', prefix, options);
    yield* this.#inner.list(prefix, options);
    if (lost !== undefined) throw lost;
  }

  async examine(name: ObjectName, options: Limits): Promise<readonly string[]> {
    return (await this.#inner.examine?.(name, options)) ?? [];
  }

  remove(name: ObjectName, options: Limits): Promise<void> {
    return this.#answer('remove', name, options, () => this.#inner.remove(name, options));
  }

  sweep(olderThan: Date, options: Limits): Promise<number> {
    return this.#answer('sweep', '', options, () => this.#inner.sweep(olderThan, options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }

  async #answer<T>(
    method: StoreMethod,
    name: string,
    options: Limits,
    call: () => Promise<T>,
  ): Promise<T> {
    const lost = await this.#before(method, name, options);
    const answer = await call();
    if (lost !== undefined) throw lost;
    return answer;
  }

  /** Returns the failure to throw after the call, if its answer is to be lost. */
  async #before(
    method: StoreMethod,
    name: string,
    { signal }: Limits,
  ): Promise<Failure | undefined> {
    this.calls.push({ method, name });
    const mine = this.#planned.filter((planned) => planned.method === method);
    for (const planned of mine) planned.callsLeft -= 1;
    const due = mine.find(({ callsLeft }) => callsLeft === 0);
    if (due === undefined) return undefined;
    if (due.act === 'stall') return untilAborted(signal);
    if (due.act.after) return due.act.failure;
    throw due.act.failure;
  }

  #flipsOf(name: ObjectName): readonly Flip[] {
    const mine = this.#flips.filter((flip) => flip.name === undefined || flip.name === name);
    const due = mine.filter((flip) => !flip.firstReadOnly || !flip.readBefore.has(name));
    for (const flip of mine) flip.readBefore.add(name);
    return due;
  }
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function shorter(body: Body, sizeBytes: number): Body {
  return {
    sizeBytes: Math.min(sizeBytes, body.sizeBytes),
    open: () => firstBytes(body.open(), sizeBytes),
  };
}

async function* firstBytes(source: AsyncIterable<Uint8Array>, sizeBytes: number) {
  let left = sizeBytes;
  for await (const chunk of source) {
    if (left <= 0) return;
    yield chunk.subarray(0, left);
    left -= chunk.byteLength;
  }
}

async function* flipped(
  source: AsyncIterable<Uint8Array>,
  flips: readonly Flip[],
  start: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = start;
  for await (const chunk of source) {
    const wrong = Uint8Array.from(chunk);
    for (const { bit } of flips) {
      const index = Math.floor(bit / 8) - at;
      const byte = wrong[index];
      if (byte !== undefined) wrong[index] = byte ^ (1 << (bit % 8));
    }
    at += chunk.byteLength;
    yield wrong;
  }
}
