import { expect, test } from 'vitest';
import type { StoreContract } from './store.ts';
import { bodyThat, bytesOf, collect, named, namesIn, putBytes, signal } from './store-bodies.ts';

const many = 1200;

export function listContract({ makeStore }: StoreContract): void {
  const reason = new Error('stopped by the test');

  test('is empty where nothing is', async () => {
    await using store = await makeStore();

    expect(await namesIn(store)).toEqual([]);
    expect(await namesIn(store, '0123456789abcdef/')).toEqual([]);
  });

  test('sorts by the whole name, not folder by folder', async () => {
    await using store = await makeStore();
    const sorted = [
      'a-b',
      'a.b',
      'a/B',
      'a/b',
      'a/b-c/d',
      'a/b.c',
      'a/b0',
      'a0',
      'a_',
      'aa/z',
      'b',
    ];
    for (const name of sorted.toReversed()) {
      if (name !== 'a/b') await putBytes(store, name, name);
    }

    const names = await namesIn(store);

    expect(names).toEqual(sorted.filter((name) => name !== 'a/b'));
    expect(names).toEqual(names.toSorted());
  });

  test('shows exactly the names that begin with the prefix', async () => {
    await using store = await makeStore();
    for (const name of ['ab', 'a/b', 'a/bc', 'a/b.d/e', 'a/c', 'b/a/b']) {
      await putBytes(store, name, 'x');
    }

    expect(await namesIn(store, 'a')).toEqual(['a/b', 'a/b.d/e', 'a/bc', 'a/c', 'ab']);
    expect(await namesIn(store, 'a/')).toEqual(['a/b', 'a/b.d/e', 'a/bc', 'a/c']);
    expect(await namesIn(store, 'a/b')).toEqual(['a/b', 'a/b.d/e', 'a/bc']);
    expect(await namesIn(store, 'a/b.d/e')).toEqual(['a/b.d/e']);
    expect(await namesIn(store, 'a/b/')).toEqual([]);
    expect(await namesIn(store, 'c/')).toEqual([]);
  });

  test('tells the size of every object', async () => {
    await using store = await makeStore();
    await putBytes(store, 'a', '');
    await putBytes(store, 'b', 'four');

    const facts = await collect(store.list('', { signal }));

    expect(facts.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
      ['a', 0],
      ['b', 4],
    ]);
    expect(facts.every(({ modifiedAt }) => modifiedAt instanceof Date)).toBe(true);
  });

  test(`shows all of ${many} objects, sorted, and lets the consumer stop early`, async () => {
    await using store = await makeStore();
    const names = Array.from(
      { length: many },
      (_, at) => `c/${String(at * 7919).padStart(8, '0')}`,
    );
    for (let at = 0; at < many; at += 60) {
      await Promise.all(names.slice(at, at + 60).map((name) => putBytes(store, name, name)));
    }

    const first: string[] = [];
    for await (const { name } of store.list('c/', { signal })) {
      first.push(name);
      if (first.length === 3) break;
    }

    expect(await namesIn(store, 'c/')).toEqual(names);
    expect(first).toEqual(names.slice(0, 3));
  });

  test('does not show a put that is under way', async () => {
    await using store = await makeStore();
    const bytes = bytesOf(300_000, 1);
    let seen: string[] | undefined;
    const body = bodyThat(bytes.byteLength, [bytes], async () => {
      seen = await namesIn(store);
    });

    await store.put(named('a/b'), body, { signal });

    expect(seen).toEqual([]);
    expect(await namesIn(store)).toEqual(['a/b']);
  });

  test('ends with the reason when the signal was aborted before', async () => {
    await using store = await makeStore();
    await putBytes(store, 'a/b', 'x');
    const listing = store.list('', { signal: AbortSignal.abort(reason) });

    await expect(collect(listing)).rejects.toBe(reason);
  });

  test('ends with the reason when the signal aborts midway', async () => {
    await using store = await makeStore();
    for (const name of ['a', 'b', 'c', 'd']) await putBytes(store, name, 'x');
    const controller = new AbortController();
    const seen: string[] = [];
    const list = async () => {
      for await (const { name } of store.list('', { signal: controller.signal })) {
        seen.push(name);
        controller.abort(reason);
      }
    };

    await expect(list()).rejects.toBe(reason);
    expect(seen).toEqual(['a']);
  });

  test("throws the consumer's own error unchanged", async () => {
    await using store = await makeStore();
    await putBytes(store, 'a', 'x');
    const mine = new Error('of the consumer');
    const list = async () => {
      for await (const _ of store.list('', { signal })) throw mine;
    };

    await expect(list()).rejects.toBe(mine);
  });

  test.each(['../', '/', 'a/../', 'a//', './', 'a/~', 'ü'])(
    'refuses the prefix %j',
    async (prefix) => {
      await using store = await makeStore();

      await expect(namesIn(store, prefix)).rejects.toMatchObject({ code: 'internal' });
    },
  );
}
