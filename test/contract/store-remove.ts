import { expect, test } from 'vitest';
import type { StoreContract } from './store.ts';
import {
  bodyThat,
  bytesOf,
  farFuture,
  named,
  namesIn,
  putBytes,
  readBytes,
  signal,
} from './store-bodies.ts';

const hourMs = 60 * 60 * 1000;

export function removeContract({ makeStore, abandonPut }: StoreContract): void {
  const reason = new Error('stopped by the test');

  test('removes one object and no other', async () => {
    await using store = await makeStore();
    for (const name of ['a/b', 'a/b.c', 'a/bb', 'b']) await putBytes(store, name, 'x');

    await store.remove(named('a/b'), { signal });

    expect(await namesIn(store)).toEqual(['a/b.c', 'a/bb', 'b']);
    await expect(readBytes(store, 'a/b')).rejects.toMatchObject({ code: 'object-missing' });
  });

  test('removes what is not there: twice, never put, a folder, below an object', async () => {
    await using store = await makeStore();
    await putBytes(store, 'a/b', 'x');
    await putBytes(store, 'a/c', 'x');

    await store.remove(named('a/b'), { signal });
    await store.remove(named('a/b'), { signal });
    await store.remove(named('never/put'), { signal });
    await store.remove(named('a'), { signal });
    await store.remove(named('a/c/d'), { signal });

    expect(await namesIn(store)).toEqual(['a/c']);
  });

  test('takes an object again after it was removed', async () => {
    await using store = await makeStore();
    await putBytes(store, 'a/b', 'first');
    await store.remove(named('a/b'), { signal });

    await putBytes(store, 'a/b', 'second');

    expect(String(await readBytes(store, 'a/b'))).toBe('second');
  });

  test('removes nothing when the signal was aborted before', async () => {
    await using store = await makeStore();
    await putBytes(store, 'a/b', 'x');
    const limits = { signal: AbortSignal.abort(reason) };

    await expect(store.remove(named('a/b'), limits)).rejects.toBe(reason);
    await expect(store.sweep(farFuture, limits)).rejects.toBe(reason);

    expect(await namesIn(store)).toEqual(['a/b']);
  });

  test('sweeps no whole object, however old', async () => {
    await using store = await makeStore();
    await putBytes(store, 'a/b', 'x');
    await putBytes(store, 'c', 'x');

    expect(await store.sweep(farFuture, { signal })).toBe(0);

    expect(await namesIn(store)).toEqual(['a/b', 'c']);
  });

  test('sweeps no put that is under way in this process, however old', async () => {
    await using store = await makeStore();
    const bytes = bytesOf(300_000, 1);
    let swept = -1;
    const body = bodyThat(bytes.byteLength, [bytes], async () => {
      swept = await store.sweep(farFuture, { signal });
    });

    await store.put(named('a/b'), body, { signal });

    expect(swept).toBe(0);
    expect((await readBytes(store, 'a/b')).equals(bytes)).toBe(true);
  });

  test.skipIf(abandonPut === undefined)('sweeps what a killed put left, once old', async () => {
    await using store = await makeStore();
    await putBytes(store, 'a/b', 'x');
    await abandonPut?.(store);

    const young = await store.sweep(new Date(Date.now() - hourMs), { signal });
    const old = await store.sweep(farFuture, { signal });
    const again = await store.sweep(farFuture, { signal });

    expect({ young, old, again }).toEqual({ young: 0, old: 1, again: 0 });
    expect(await namesIn(store)).toEqual(['a/b']);
  });
}
