import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { StoreContract } from './store.ts';
import {
  abortSoon,
  bodyThat,
  bytesOf,
  collect,
  heldBytes,
  named,
  numbersFrom,
  putBytes,
  readBytes,
  seed,
  signal,
} from './store-bodies.ts';

const name = named('0123456789abcdef/object.db');
const mib = 1024 * 1024;

export function getContract(contract: StoreContract): void {
  const { makeStore } = contract;

  test('says object-missing for what is not there', async () => {
    await using store = await makeStore();

    await expect(readBytes(store, name)).rejects.toMatchObject({ code: 'object-missing' });
    await expect(store.stat(name, { signal })).rejects.toMatchObject({ code: 'object-missing' });
    await expect(readBytes(store, 'a/b/c/d')).rejects.toMatchObject({ code: 'object-missing' });
  });

  test('says object-missing for the folder of an object, and below an object', async () => {
    await using store = await makeStore();
    await putBytes(store, 'folder/object', 'x');

    await expect(readBytes(store, 'folder')).rejects.toMatchObject({ code: 'object-missing' });
    await expect(readBytes(store, 'folder/object/deeper')).rejects.toMatchObject({
      code: 'object-missing',
    });
    await expect(store.stat(named('folder'), { signal })).rejects.toMatchObject({
      code: 'object-missing',
    });
  });

  test('knows size and time of an object', async () => {
    await using store = await makeStore();
    await putBytes(store, name, 'twelve bytes');

    const facts = await store.stat(name, { signal });

    expect(facts).toMatchObject({ name, sizeBytes: 12 });
    // A store's clock may be wrong, but not by a day.
    expect(Math.abs(facts.modifiedAt.getTime() - Date.now())).toBeLessThan(24 * 3600 * 1000);
  });

  test(`returns any range (CONTRACT_SEED=${seed})`, async () => {
    await using store = await makeStore();
    const bytes = bytesOf(2 * mib + 77, seed);
    await putBytes(store, name, bytes);
    const next = numbersFrom(seed);
    const random = Array.from({ length: 40 }, () => {
      const start = next(bytes.byteLength);
      return { start, end: start + next(bytes.byteLength - start + 1) };
    });
    const edges = [
      { start: 0, end: bytes.byteLength },
      { start: 0, end: 1 },
      { start: bytes.byteLength - 1, end: bytes.byteLength },
      { start: mib - 1, end: mib + 1 },
      { start: 5, end: 5 },
      { start: bytes.byteLength, end: bytes.byteLength },
    ];

    const wrong = [];
    for (const range of [...edges, ...random]) {
      const read = await readBytes(store, name, range);
      if (!read.equals(bytes.subarray(range.start, range.end))) wrong.push(range);
    }

    expect(wrong).toEqual([]);
  });

  test.each([
    { start: 0, end: 11 },
    { start: 9, end: 11 },
    { start: 10, end: 11 },
    { start: 11, end: 11 },
    { start: 1000, end: 2000 },
  ])('says object-damaged for bytes $start to $end of ten', async (range) => {
    await using store = await makeStore();
    await putBytes(store, name, '0123456789');

    await expect(readBytes(store, name, range)).rejects.toMatchObject({ code: 'object-damaged' });
  });

  test.each([
    { start: -1, end: 5 },
    { start: 5, end: 4 },
    { start: 0.5, end: 4 },
    { start: 0, end: Number.NaN },
  ])('refuses $start to $end as a range', async (range) => {
    await using store = await makeStore();
    await putBytes(store, name, '0123456789');

    await expect(readBytes(store, name, range)).rejects.toMatchObject({ code: 'internal' });
  });

  test('says object-missing for a range of what is not there', async () => {
    await using store = await makeStore();

    const read = readBytes(store, name, { start: 0, end: 1 });

    await expect(read).rejects.toMatchObject({ code: 'object-missing' });
  });

  test('reads one object many times at once', async () => {
    await using store = await makeStore();
    const bytes = bytesOf(mib + 5, 5);
    await putBytes(store, name, bytes);

    const read = await Promise.all(Array.from({ length: 12 }, () => readBytes(store, name)));

    expect(read.every((each) => each.equals(bytes))).toBe(true);
  });

  getEnds(contract);
}

function getEnds(contract: StoreContract): void {
  const { makeStore } = contract;
  const reason = new Error('stopped by the test');

  test('ends with the reason when the signal was aborted before', async () => {
    await using store = await makeStore();
    await putBytes(store, name, 'content');
    const limits = { signal: AbortSignal.abort(reason) };

    await expect(collect(store.get(name, limits))).rejects.toBe(reason);
    await expect(store.stat(name, limits)).rejects.toBe(reason);
  });

  test('ends with the reason when the signal aborts between two chunks', async () => {
    await using store = await makeStore();
    await putBytes(store, name, bytesOf(8 * mib, 8));
    const controller = new AbortController();
    const read = async () => {
      for await (const _ of store.get(name, { signal: controller.signal })) {
        controller.abort(reason);
      }
    };

    await expect(read()).rejects.toBe(reason);
  });

  test('ends with the reason when the signal aborts at any moment', async () => {
    await using store = await makeStore();
    await putBytes(store, name, 'content');
    const aborted = abortSoon(reason);
    const readForEver = async () => {
      for (;;) {
        await collect(store.get(name, { signal: aborted }));
        // A store that never waits would otherwise never let the abort happen.
        await setImmediate();
      }
    };

    await expect(readForEver()).rejects.toBe(reason);
  });

  test('lets the consumer stop early, and goes on working', async () => {
    await using store = await makeStore();
    const bytes = bytesOf(4 * mib, 9);
    await putBytes(store, name, bytes);

    for (let turn = 0; turn < 50; turn += 1) {
      for await (const _ of store.get(name, { signal })) break;
    }

    expect((await readBytes(store, name)).equals(bytes)).toBe(true);
    await store.remove(name, { signal });
  });

  test("throws the consumer's own error unchanged", async () => {
    await using store = await makeStore();
    await putBytes(store, name, bytesOf(4 * mib, 10));
    const mine = new Error('of the consumer');
    const read = async () => {
      for await (const _ of store.get(name, { signal })) throw mine;
    };

    await expect(read()).rejects.toBe(mine);
  });

  test('never ends early without an error when the object is removed meanwhile', async () => {
    await using store = await makeStore();
    const bytes = bytesOf(8 * mib, 11);
    await putBytes(store, name, bytes);
    const chunks: Uint8Array[] = [];
    const read = async () => {
      for await (const chunk of store.get(name, { signal })) {
        if (chunks.length === 0) await store.remove(name, { signal });
        chunks.push(Uint8Array.from(chunk));
      }
      return Buffer.concat(chunks).equals(bytes);
    };

    const ended = await read().catch((thrown: { code: string }) => thrown.code);

    expect([true, 'object-missing', 'object-damaged', 'store-failed']).toContain(ended);
  });

  test('reads a large object without holding it in memory', async () => {
    await using store = await makeStore();
    const window = bytesOf(mib, 12);
    await store.put(name, bodyThat(64 * mib, new Array(64).fill(window)), { signal });
    const before = heldBytes();
    let [peak, read, untilSample] = [0, 0, 0];

    for await (const chunk of store.get(name, { signal })) {
      read += chunk.byteLength;
      untilSample -= chunk.byteLength;
      peak = untilSample < 0 ? Math.max(peak, heldBytes()) : peak;
      untilSample = untilSample < 0 ? 8 * mib : untilSample;
    }

    expect(read).toBe(64 * mib);
    expect(peak - before).toBeLessThan(contract.heldBytesLimit);
  });
}
