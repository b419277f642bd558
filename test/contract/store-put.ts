import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Body } from '../../src/store/port.ts';
import type { StoreContract } from './store.ts';
import {
  bodyOf,
  bodyThat,
  bytesOf,
  farFuture,
  heldBytes,
  named,
  namesIn,
  putBytes,
  readBytes,
  signal,
} from './store-bodies.ts';

const name = named('0123456789abcdef/object.db');
const mib = 1024 * 1024;

export function putContract(contract: StoreContract): void {
  const { makeStore } = contract;

  test('keeps the bytes of an object', async () => {
    await using store = await makeStore();
    const bytes = bytesOf(5 * mib + 1, 1);

    const facts = await store.put(name, bodyOf(bytes), { signal });

    expect(['same-file', 'checksum', 'nothing']).toContain(facts.compared);
    expect((await readBytes(store, name)).equals(bytes)).toBe(true);
  });

  test('keeps an empty object', async () => {
    await using store = await makeStore();

    await putBytes(store, name, '');

    expect(await readBytes(store, name)).toHaveLength(0);
    expect((await store.stat(name, { signal })).sizeBytes).toBe(0);
    expect(await namesIn(store)).toEqual([name]);
  });

  test('takes chunks of any size, also empty ones', async () => {
    await using store = await makeStore();
    const parts = ['', 'a', '', 'bc', 'd', ''].map((part) => Buffer.from(part));

    await store.put(name, bodyThat(4, parts), { signal });

    expect(String(await readBytes(store, name))).toBe('abcd');
  });

  test('replaces an object, also by a shorter one', async () => {
    await using store = await makeStore();
    await putBytes(store, name, 'the first and longer content');

    await putBytes(store, name, 'second');

    expect(String(await readBytes(store, name))).toBe('second');
    expect(await namesIn(store)).toEqual([name]);
  });

  test('opens the body anew for every put', async () => {
    await using store = await makeStore();
    const body = bodyThat(3, [Buffer.from('abc')]);

    await store.put(name, body, { signal });
    await store.put(name, body, { signal });

    expect(body.opened).toBe(2);
    expect(String(await readBytes(store, name))).toBe('abc');
  });

  test('leaves one whole object when many put the same name at once', async () => {
    await using store = await makeStore();
    const contents = Array.from({ length: 8 }, (_, at) => bytesOf(200_000 + at, at));

    await Promise.all(contents.map((bytes) => putBytes(store, name, bytes)));

    const kept = await readBytes(store, name);
    expect(contents.some((bytes) => bytes.equals(kept))).toBe(true);
    expect(await store.sweep(farFuture, { signal })).toBe(0);
  });

  test('shows a reader the old object or the new one, never a mix', async () => {
    await using store = await makeStore();
    const contents = [bytesOf(700_001, 1), bytesOf(1_300_003, 2)];
    await putBytes(store, name, contents[0] as Buffer);
    let replacing = true;
    const readAll = async () => {
      const mixed: number[] = [];
      while (replacing) {
        const seen = await readBytes(store, name);
        if (!contents.some((bytes) => bytes.equals(seen))) mixed.push(seen.byteLength);
      }
      return mixed;
    };

    const readers = [readAll(), readAll(), readAll()];
    for (let turn = 1; turn <= 20; turn += 1) {
      await putBytes(store, name, contents[turn % 2] as Buffer);
    }
    replacing = false;

    expect((await Promise.all(readers)).flat()).toEqual([]);
  });

  test('stores a large body without holding it in memory', async () => {
    await using store = await makeStore();
    const { body, sha256, peak } = largeBody();
    const before = heldBytes();

    await store.put(name, body, { signal });

    expect(peak() - before).toBeLessThan(contract.heldBytesLimit);
    expect(await digestOf(store.get(name, { signal }))).toBe(sha256);
  });
}

/** 64 MiB out of one buffer, so that what is held beyond it is held by the store. */
function largeBody() {
  const window = bytesOf(mib, 7);
  const windows = 64;
  const hash = createHash('sha256');
  for (let at = 0; at < windows; at += 1) hash.update(window);
  let peak = 0;
  const body: Body = {
    sizeBytes: windows * mib,
    async *open() {
      for (let at = 0; at < windows; at += 1) {
        if (at % 8 === 7) peak = Math.max(peak, heldBytes());
        yield window;
      }
    },
  };
  return { body, sha256: hash.digest('hex'), peak: () => peak };
}

async function digestOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) hash.update(chunk);
  return hash.digest('hex');
}
