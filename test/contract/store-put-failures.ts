import { expect, test } from 'vitest';
import type { Body } from '../../src/store/port.ts';
import type { StoreContract } from './store.ts';
import {
  abortSoon,
  bodyOf,
  bodyThat,
  bytesOf,
  farFuture,
  named,
  namesIn,
  putBytes,
  readBytes,
  signal,
} from './store-bodies.ts';

const name = named('0123456789abcdef/object.db');
const mib = 1024 * 1024;
const never = () => new Promise<void>(() => {});

/** Each of these fails a put, once where nothing was and once over an object. */
export function putFailureContract({ makeStore }: StoreContract): void {
  const some = bytesOf(300_000, 3);
  const reason = new Error('stopped by the test');
  const broken = new Error('the member went away');
  const breaking = async () => {
    throw broken;
  };
  interface Row {
    readonly why: string;
    readonly body: () => Body;
    readonly abort?: () => AbortSignal;
    readonly thrown: object;
  }
  const rows: readonly Row[] = [
    {
      why: 'the body throws at once',
      body: () => bodyThat(10, [], breaking),
      thrown: broken,
    },
    {
      why: 'the body throws midway',
      body: () => bodyThat(600_000, [some], breaking),
      thrown: broken,
    },
    {
      why: 'the body throws after its last byte',
      body: () => bodyThat(some.byteLength, [some], breaking),
      thrown: broken,
    },
    {
      why: 'the body is short',
      body: () => bodyThat(some.byteLength + 1, [some]),
      thrown: { code: 'internal' },
    },
    {
      why: 'the body is long',
      body: () => bodyThat(some.byteLength - 1, [some]),
      thrown: { code: 'internal' },
    },
    {
      why: 'the body is empty and should not be',
      body: () => bodyThat(1, []),
      thrown: { code: 'internal' },
    },
    {
      why: 'the signal aborts while the body stalls',
      body: () => bodyThat(600_000, [some], never),
      abort: () => abortSoon(reason),
      thrown: reason,
    },
    {
      why: 'the signal aborts before the first byte',
      body: () => bodyThat(600_000, [], never),
      abort: () => abortSoon(reason),
      thrown: reason,
    },
    {
      why: 'the signal was aborted before',
      body: () => bodyOf(some),
      abort: () => AbortSignal.abort(reason),
      thrown: reason,
    },
  ];

  test.each(rows)('leaves nothing behind when $why', async ({ body, abort, thrown }) => {
    await using store = await makeStore();
    const limits = { signal: abort?.() ?? signal };

    await expect(store.put(name, body(), limits)).rejects.toMatchObject(thrown);

    expect(await namesIn(store)).toEqual([]);
    await expect(store.stat(name, { signal })).rejects.toMatchObject({ code: 'object-missing' });
    expect(await store.sweep(farFuture, { signal })).toBe(0);
  });

  test.each(rows)('keeps the old object when $why', async ({ body, abort, thrown }) => {
    await using store = await makeStore();
    await putBytes(store, name, 'old');
    const limits = { signal: abort?.() ?? signal };

    await expect(store.put(name, body(), limits)).rejects.toMatchObject(thrown);

    expect(String(await readBytes(store, name))).toBe('old');
    expect(await store.sweep(farFuture, { signal })).toBe(0);
  });

  test('throws what the body threw, and not a failure of the store', async () => {
    await using store = await makeStore();
    const body = bodyThat(600_000, [some], breaking);

    const thrown = await store.put(name, body, { signal }).catch((error: unknown) => error);

    expect(thrown).toBe(broken);
  });

  test('does not open the body when the signal was aborted before', async () => {
    await using store = await makeStore();
    const body = bodyThat(3, [Buffer.from('abc')]);

    const thrown = await store
      .put(name, body, { signal: AbortSignal.abort(reason) })
      .catch((error: unknown) => error);

    expect(thrown).toBe(reason);
    expect(body.opened).toBe(0);
  });

  test('stops reading a body that has no end', async () => {
    await using store = await makeStore();
    let given = 0;
    const endless: Body = {
      sizeBytes: mib,
      async *open() {
        for (;;) {
          given += some.byteLength;
          yield some;
        }
      },
    };

    await expect(store.put(name, endless, { signal })).rejects.toMatchObject({ code: 'internal' });

    expect(given).toBeLessThan(4 * mib);
    expect(await namesIn(store)).toEqual([]);
  });

  test('closes a body that it stops reading', async () => {
    await using store = await makeStore();
    let closed = false;
    const body: Body = {
      sizeBytes: 10,
      async *open() {
        try {
          yield some;
        } finally {
          closed = true;
        }
      },
    };

    await expect(store.put(name, body, { signal })).rejects.toMatchObject({ code: 'internal' });

    expect(closed).toBe(true);
  });
}
