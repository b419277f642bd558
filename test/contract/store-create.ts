import { expect, test } from 'vitest';
import type { StoreContract } from './store.ts';
import { bodyOf, bytesOf, farFuture, named, namesIn, readBytes, signal } from './store-bodies.ts';

const name = named('0123456789abcdef/object.json');
const options = { signal, onlyNew: true };

export function createContract({ makeStore }: StoreContract): void {
  const content = (text: string) => bodyOf(Buffer.from(text));

  test('puts what is new', async () => {
    await using store = await makeStore();

    await store.put(name, content('first'), options);

    expect(String(await readBytes(store, name))).toBe('first');
  });

  test('refuses a name that is taken, and leaves what it has', async () => {
    await using store = await makeStore();
    await store.put(name, content('first'), { signal });

    const second = store.put(name, content('second'), options);

    await expect(second).rejects.toMatchObject({
      code: 'object-exists',
      message: expect.stringContaining(`there is a ${name} already`),
    });
    expect(String(await readBytes(store, name))).toBe('first');
    expect(await namesIn(store)).toEqual([name]);
    expect(await store.sweep(farFuture, { signal })).toBe(0);
  });

  test('lets one succeed of many at once', async () => {
    await using store = await makeStore();
    const contents = Array.from({ length: 8 }, (_, at) => bytesOf(20_000 + at, at));

    const ended = await Promise.allSettled(
      contents.map((bytes) => store.put(name, bodyOf(bytes), options)),
    );

    const winners = contents.filter((_, at) => ended[at]?.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    expect((await readBytes(store, name)).equals(winners[0] as Buffer)).toBe(true);
    for (const one of ended) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'object-exists' });
    }
  });

  test('puts again what was removed', async () => {
    await using store = await makeStore();
    await store.put(name, content('first'), options);
    await store.remove(name, { signal });

    await store.put(name, content('second'), options);

    expect(String(await readBytes(store, name))).toBe('second');
  });
}
