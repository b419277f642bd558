import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fileStore } from '../../../src/store/file.ts';
import { limitRate } from '../../../src/store/limit-rate.ts';
import { memoryStore } from '../../../src/store/memory.ts';
import type { Body, Store } from '../../../src/store/port.ts';
import {
  bodyOf,
  bodyThat,
  bytesOf,
  named,
  readBytes,
  signal,
} from '../../contract/store-bodies.ts';
import { makeFolder, quickParent } from './places.ts';

const kib = 1024;
const rate = 100 * kib;
const name = named('a/object.db');
const bytes = bytesOf(1000 * kib, 1);

/** Counts what has been let pass. */
function counted(body: Body, count: (bytes: number) => void): Body {
  return {
    ...body,
    async *open() {
      for await (const chunk of body.open()) {
        yield chunk;
        count(chunk.byteLength);
      }
    },
  };
}

/** A store that throws what it is given away and tells how much that was. */
function taking(take: (bytes: number) => void): Store {
  return {
    ...memoryStore(),
    name: 'taking',
    describe: () => 'taking',
    async put(_name, body) {
      for await (const chunk of body.open()) take(chunk.byteLength);
      return { compared: 'nothing' };
    },
  } as Store;
}

describe('a limit on bandwidth', () => {
  beforeEach(
    () => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }),
  );
  afterEach(() => void vi.useRealTimers());

  /** How long `work` takes by the clock of the test. */
  async function timed(work: () => Promise<unknown>): Promise<number> {
    const beganMs = performance.now();
    let endedMs = Number.NaN;
    const done = work().finally(() => {
      endedMs = performance.now();
    });
    while (Number.isNaN(endedMs)) await vi.advanceTimersByTimeAsync(10);
    await done;
    return (endedMs - beganMs) / 1000;
  }

  test.each([1, 7 * kib, 64 * kib, 1000 * kib])(
    'lets bytes go up at its rate, in chunks of %i and few percent off',
    async (chunkBytes) => {
      const store = limitRate(memoryStore(), { upload: rate, download: null });
      const some = bytes.subarray(0, chunkBytes === 1 ? 40 * kib : bytes.byteLength);

      const seconds = await timed(() => store.put(name, bodyOf(some, chunkBytes), { signal }));

      expect(seconds).toBeGreaterThan(some.byteLength / rate - 0.26);
      expect(seconds).toBeLessThan((some.byteLength / rate) * 1.02);
      expect((await readBytes(store, name)).equals(some)).toBe(true);
    },
  );

  test('lets bytes come down at its rate, and up as they like', async () => {
    const store = limitRate(memoryStore(), { upload: null, download: rate });

    expect(await timed(() => store.put(name, bodyOf(bytes), { signal }))).toBeLessThan(0.1);
    let read: Buffer = Buffer.alloc(0);
    const seconds = await timed(async () => {
      read = await readBytes(store, name);
    });

    expect(seconds).toBeGreaterThan(9.7);
    expect(seconds).toBeLessThan(10.2);
    expect(read.equals(bytes)).toBe(true);
  });

  test('is one for all calls of a store, which take turns', async () => {
    const passed = [0, 0];
    const store = limitRate(memoryStore(), { upload: rate, download: null });
    const puts = passed.map((_, at) => {
      const body = counted(bodyOf(bytes, 10 * kib), (count) => {
        passed[at] = (passed[at] ?? 0) + count;
      });
      return store.put(named(`a/${at}`), body, { signal });
    });

    await vi.advanceTimersByTimeAsync(10_000);
    const [one = 0, other = 0] = passed;
    const seconds = 10 + (await timed(() => Promise.all(puts)));

    expect(one + other).toBeLessThan(10.3 * rate);
    expect(Math.abs(one - other)).toBeLessThan(0.05 * (one + other));
    expect(seconds).toBeGreaterThan(19.7);
    expect(seconds).toBeLessThan(20.4);
  });

  test('lets nothing burst: no tenth of a second has more than a third of a second', async () => {
    let taken = 0;
    const store = limitRate(
      taking((count) => {
        taken += count;
      }),
      { upload: rate, download: null },
    );
    // An idle hour saves nothing up.
    await vi.advanceTimersByTimeAsync(3_600_000);
    const put = store.put(name, bodyOf(bytes, 500 * kib), { signal });
    const perStep: number[] = [];
    for (let step = 0; step < 105; step += 1) {
      const before = taken;
      await vi.advanceTimersByTimeAsync(100);
      perStep.push(taken - before);
    }
    await put;

    expect(taken).toBe(bytes.byteLength);
    expect(Math.max(...perStep)).toBeLessThan(0.4 * rate);
    expect(Math.max(...perStep.slice(5))).toBeLessThan(0.2 * rate);
  });

  test('ends at once when the call is stopped in its wait', async () => {
    const reason = new Error('stopped by the test');
    const stop = new AbortController();
    const store = limitRate(memoryStore(), { upload: 1000, download: 1000 });
    await memoryPut(store);
    const put = store.put(name, bodyThat(8000, [bytes.subarray(0, 8000)]), { signal: stop.signal });
    const get = (async () => {
      for await (const _ of store.get(named('small'), { signal: stop.signal }));
    })();
    const ended = Promise.all([expect(put).rejects.toBe(reason), expect(get).rejects.toBe(reason)]);
    await vi.advanceTimersByTimeAsync(1000);

    // No time passes from here on.
    stop.abort(reason);
    await ended;

    expect(vi.getTimerCount()).toBe(0);
  });

  async function memoryPut(store: Store): Promise<void> {
    await timed(() => store.put(named('small'), bodyOf(bytes.subarray(0, 4000)), { signal }));
  }

  test('leaves a store without limits as it is', () => {
    const store = memoryStore();

    expect(limitRate(store, { upload: null, download: null })).toBe(store);
  });
});

describe('a body with a file', () => {
  const root = (parent: string) => fileStore({ name: 'disk', root: join(parent, 'root') });
  const slow = { upload: 1, download: null };

  test('is linked without delay: nothing is transferred', async () => {
    const folder = makeFolder(quickParent);
    const file = join(folder, 'spooled');
    writeFileSync(file, bytes, { mode: 0o600 });
    const store = limitRate(root(folder), slow);

    const facts = await store.put(name, { ...bodyOf(bytes), file }, { signal });

    expect(facts).toEqual({ compared: 'same-file' });
  });

  test('counts where it has to be copied', async () => {
    const folder = makeFolder(quickParent);
    const file = join(folder, 'spooled');
    // Readable by others, so that it is no file to share.
    writeFileSync(file, bytes, { mode: 0o644 });
    const stop = new AbortController();
    let asked = () => {};
    const opened = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const body: Body = {
      sizeBytes: bytes.byteLength,
      file,
      async *open() {
        asked();
        yield bytes;
      },
    };

    const put = limitRate(root(folder), slow).put(name, body, { signal: stop.signal });
    await opened;
    stop.abort(new Error('it waits'));

    await expect(put).rejects.toThrow('it waits');
  });
});
