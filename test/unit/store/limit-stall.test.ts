import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { limitStall } from '../../../src/store/limit-stall.ts';
import { memoryStore } from '../../../src/store/memory.ts';
import type { Body, Store } from '../../../src/store/port.ts';
import {
  bodyOf,
  bodyThat,
  bytesOf,
  collect,
  named,
  namesIn,
  putBytes,
  readBytes,
  signal,
} from '../../contract/store-bodies.ts';
import { HangingStore } from './hanging-store.ts';

const name = named('a/object.db');
const bytes = bytesOf(600_000, 1);
const stallMs = 60_000;
const timedOut = (words: string) => ({
  code: 'timed-out',
  message: expect.stringContaining(words),
  hint: expect.stringContaining('stores[].stallTimeout'),
});

describe('a limit on silence', () => {
  let inner: HangingStore;
  let store: Store;
  beforeEach(async () => {
    inner = new HangingStore(memoryStore({ name: 'nas' }));
    store = limitStall(inner, { stallMs });
    await putBytes(store, name, bytes);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => void vi.useRealTimers());

  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

  const calls: Record<string, (on: Store) => Promise<unknown>> = {
    put: (on) => on.put(name, bodyOf(bytes), { signal }),
    get: (on) => readBytes(on, name),
    stat: (on) => on.stat(name, { signal }),
    list: (on) => namesIn(on),
    remove: (on) => on.remove(name, { signal }),
    sweep: (on) => on.sweep(new Date(), { signal }),
  };

  test('does not count the time until the size of a body is known', async () => {
    inner.hangIn('put');
    const size = Promise.withResolvers<number>();
    const body: Body = { ...bodyOf(bytes), sizeBytes: size.promise };
    let told: unknown;
    const put = store.put(name, body, { signal }).catch((thrown: unknown) => {
      told = thrown;
    });

    await pass(3 * stallMs);
    expect(told).toBeUndefined();
    size.resolve(bytes.byteLength);
    await pass(stallMs);
    await put;

    expect(told).toMatchObject(timedOut('nothing moved'));
  });

  test.each(Object.keys(calls))('ends a %s that never ends by itself', async (method) => {
    inner.hangIn(method);
    let told: unknown;
    const call = calls[method]?.(store).catch((thrown: unknown) => {
      told = thrown;
    });

    await pass(stallMs - 1);
    expect(told).toBeUndefined();
    await pass(1);
    await call;

    expect(told).toMatchObject(timedOut('store nas (memory nas): nothing moved for 1m while '));
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each(['answers', 'fails'])('takes no harm when a call that it left %s late', async (how) => {
    inner.hangIn('stat');
    const left = expect(store.stat(name, { signal })).rejects.toMatchObject(timedOut('a/object'));
    await pass(stallMs);
    await left;

    // Not asked again while it hangs: each call could cost a thread.
    const callsBefore = inner.calls;
    await expect(store.stat(name, { signal })).rejects.toMatchObject(timedOut('still hangs'));
    await expect(namesIn(store)).rejects.toMatchObject(timedOut('still hangs'));
    expect(inner.calls).toBe(callsBefore);

    inner.wake(how === 'fails' ? new Error('too late') : undefined);
    await pass(0);
    expect((await readBytes(store, name)).equals(bytes)).toBe(true);
  });

  test('tells the store to stop, and gives a put that it left nothing more', async () => {
    let its: AbortSignal | undefined;
    let closed = false;
    let source: AsyncIterator<Uint8Array> | undefined;
    const hoarder: Store = {
      ...inner.plain(),
      put: (_name, body, limits) => {
        its = limits.signal;
        source = body.open()[Symbol.asyncIterator]();
        return source.next().then(() => new Promise(() => {}));
      },
    };
    const body: Body = {
      sizeBytes: bytes.byteLength,
      async *open() {
        try {
          yield bytes.subarray(0, 1000);
          yield bytes.subarray(1000);
        } finally {
          closed = true;
        }
      },
    };

    const put = limitStall(hoarder, { stallMs }).put(name, body, { signal });
    const ended = expect(put).rejects.toMatchObject(timedOut('putting a/object.db'));
    await pass(stallMs);
    await ended;

    expect(its?.aborted).toBe(true);
    expect(closed).toBe(true);
    await expect(source?.next()).rejects.toMatchObject(timedOut('putting'));
  });

  test('never ends a put that is slow and moves', async () => {
    const slow: Store = {
      ...inner.plain(),
      put: async (_name, body) => {
        for await (const _ of body.open()) await new Promise((go) => setTimeout(go, stallMs - 1));
        return { compared: 'nothing' };
      },
    };

    const put = limitStall(slow, { stallMs }).put(name, bodyOf(bytes, 10_000), { signal });
    await pass(60 * stallMs);

    expect(await put).toEqual({ compared: 'nothing' });
  });

  test('does not count the time in which the body has nothing to give', async () => {
    const slow = bodyThat(bytes.byteLength, [bytes], () => {
      return new Promise((go) => setTimeout(go, 10 * stallMs));
    });

    const put = store.put(named('a/slow'), slow, { signal });
    await pass(10 * stallMs);

    expect(await put).toEqual({ compared: 'nothing' });
  });

  test('does not count the time until a body that grew is known to be wanted', async () => {
    const size = Promise.withResolvers<number>();
    const grown = { ...bodyOf(bytes), sizeBytes: size.promise };
    const put = store.put(named('a/grown'), grown, { signal });
    await pass(10 * stallMs);

    size.resolve(bytes.byteLength);

    expect(await put).toEqual({ compared: 'nothing' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('ends a put that hangs over a chunk, or over the end, of a body that grew', async () => {
    const hoarding = (chunks: number): Store => ({
      ...inner.plain(),
      put: async (_name, body) => {
        const its = body.open()[Symbol.asyncIterator]();
        for (let at = 0; at < chunks; at += 1) await its.next();
        return new Promise(() => {});
      },
    });
    const size = Promise.withResolvers<number>();
    const grown = { ...bodyOf(bytes, bytes.byteLength), sizeBytes: size.promise };
    const told: string[] = [];
    const puts = [1, 2].map((chunks) =>
      limitStall(hoarding(chunks), { stallMs })
        .put(name, grown, { signal })
        .catch(({ code }) => told.push(`${code} ${chunks}`)),
    );

    await pass(stallMs);
    expect(told).toEqual(['timed-out 1']);
    await pass(5 * stallMs);
    expect(told).toEqual(['timed-out 1']);
    size.resolve(bytes.byteLength);
    await pass(stallMs);
    await Promise.all(puts);

    expect(told).toEqual(['timed-out 1', 'timed-out 2']);
  });

  test('gives a slow line the time for what the store holds unsent', async () => {
    // Takes all, and is silent for 30 of the 37.5 seconds that 600 kB need on the slowest line.
    const collecting: Store = {
      ...inner.plain(),
      put: async (_name, body) => {
        await collect(body.open());
        await new Promise((go) => setTimeout(go, stallMs + 30_000));
        return { compared: 'nothing' };
      },
    };
    const patient = limitStall(collecting, { stallMs, heldBytes: 1e6 });
    const strict = limitStall(collecting, { stallMs, heldBytes: 1e5 });

    const put = patient.put(name, bodyOf(bytes), { signal });
    const given = expect(strict.put(name, bodyOf(bytes), { signal })).rejects.toMatchObject(
      timedOut('nothing moved for 1m 6s'),
    );
    await pass(stallMs + 30_000);

    expect(await put).toEqual({ compared: 'nothing' });
    await given;
  });

  test('gives no time for what the store has not taken', async () => {
    inner.hangIn('put');
    const patient = limitStall(inner, { stallMs, heldBytes: 1e9 });

    const ended = expect(patient.put(name, bodyOf(bytes), { signal })).rejects.toMatchObject(
      timedOut('nothing moved for 1m while'),
    );
    await pass(stallMs);

    await ended;
  });

  test('does not count the time of whoever reads', async () => {
    const chunks: Uint8Array[] = [];
    const reading = (async () => {
      for await (const chunk of store.get(name, { signal })) {
        chunks.push(Uint8Array.from(chunk));
        await new Promise((go) => setTimeout(go, 5 * stallMs));
      }
    })();
    await pass(20 * stallMs);
    await reading;

    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });

  test('ends a get that hangs in the middle, after what it gave', async () => {
    const chunks: Uint8Array[] = [];
    const reading = (async () => {
      for await (const chunk of store.get(name, { signal })) {
        chunks.push(Uint8Array.from(chunk));
        inner.hangIn('get');
      }
    })();
    const ended = expect(reading).rejects.toMatchObject(timedOut('reading a/object.db'));
    await pass(stallMs);
    await ended;

    expect(Buffer.concat(chunks).equals(bytes.subarray(0, 256 * 1024))).toBe(true);
  });

  test('lets a call that is stopped clear up, and leaves it when it does not', async () => {
    const reason = new Error('stopped by the test');
    const stop = new AbortController();
    inner.hangIn('stat');
    const call = store.stat(name, { signal: stop.signal });
    let told: unknown;
    const ended = call.catch((thrown: unknown) => {
      told = thrown;
    });

    stop.abort(reason);
    await pass(4_000);
    expect(told).toBeUndefined();
    await pass(1_000);
    await ended;

    expect(told).toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('leaves no timer and no listener behind after good calls', async () => {
    const caller = new AbortController().signal;

    await store.stat(name, { signal: caller });
    await collect(store.get(name, { signal: caller }));
    await store.put(name, bodyOf(bytes), { signal: caller });

    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(caller, 'abort')).toEqual([]);
  });
});
