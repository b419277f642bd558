/** Bodies that are still growing while they are put, or not yet known to be wanted. */
import { expect, test } from 'vitest';
import type { Body } from '../../src/store/port.ts';
import type { StoreContract } from './store.ts';
import { bytesOf, farFuture, named, namesIn, readBytes, signal } from './store-bodies.ts';

const name = named('0123456789abcdef/object.db');
const mib = 1024 * 1024;

/** More than a part of any store. Made once: it takes a while. */
const much = bytesOf(6 * mib + 17, 5);

/** A body whose size is a promise that the test keeps or breaks once all bytes were taken. */
function growing(bytes: Uint8Array) {
  const size = Promise.withResolvers<number>();
  const taken = Promise.withResolvers<void>();
  size.promise.catch(() => undefined);
  const body: Body = {
    sizeBytes: size.promise,
    aboutBytes: bytes.byteLength,
    async *open() {
      for (let at = 0; at < bytes.byteLength; at += mib) yield bytes.subarray(at, at + mib);
      taken.resolve();
    },
  };
  return { body, taken: taken.promise, keep: size.resolve, break: size.reject };
}

export function growingContract({ makeStore }: StoreContract): void {
  const kinds = [1, 200_000, much.byteLength].map((sizeBytes) => ({ sizeBytes }));

  test.each(kinds)('appears when its size is known: $sizeBytes bytes', async ({ sizeBytes }) => {
    await using store = await makeStore();
    const bytes = much.subarray(0, sizeBytes);
    const grown = growing(bytes);
    const put = store.put(name, grown.body, { signal });
    await grown.taken;
    const before = await namesIn(store);

    grown.keep(sizeBytes);
    await put;

    expect(before).toEqual([]);
    expect((await readBytes(store, name)).equals(bytes)).toBe(true);
    expect((await store.stat(name, { signal })).sizeBytes).toBe(sizeBytes);
  });

  const reason = new Error('it is not proved');
  const ends = kinds.flatMap(({ sizeBytes }) => [
    { sizeBytes, why: 'is given up', size: reason, thrown: reason },
    { sizeBytes, why: 'was to be longer', size: sizeBytes + 1, thrown: { code: 'internal' } },
    { sizeBytes, why: 'was to be shorter', size: sizeBytes - 1, thrown: { code: 'internal' } },
  ]);

  test.each(ends)('leaves nothing when it $why: $sizeBytes bytes', async (end) => {
    await using store = await makeStore();
    const grown = growing(much.subarray(0, end.sizeBytes));
    const put = expect(store.put(name, grown.body, { signal })).rejects.toMatchObject(end.thrown);
    await grown.taken;

    if (typeof end.size === 'number') grown.keep(end.size);
    else grown.break(end.size);
    await put;

    expect(await namesIn(store)).toEqual([]);
    expect(await store.sweep(farFuture, { signal })).toBe(0);
  });

  test('leaves nothing when the signal aborts while its size is unknown', async () => {
    await using store = await makeStore();
    const grown = growing(much.subarray(0, 200_000));
    const stop = new AbortController();
    const put = expect(store.put(name, grown.body, { signal: stop.signal })).rejects.toBe(reason);
    await grown.taken;

    stop.abort(reason);
    await put;

    expect(await namesIn(store)).toEqual([]);
    expect(await store.sweep(farFuture, { signal })).toBe(0);
  });
}
