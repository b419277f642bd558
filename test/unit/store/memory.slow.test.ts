import { expect, test } from 'vitest';
import { memoryStore } from '../../../src/store/memory.ts';
import { storeContract } from '../../contract/store.ts';
import { bodyThat, named, readBytes, signal } from '../../contract/store-bodies.ts';

storeContract('memory', async () => memoryStore(), { heldBytesLimit: Number.POSITIVE_INFINITY });

test('the memory store keeps a copy of what it is given and of what it gives', async () => {
  const store = memoryStore();
  const bytes = Buffer.from('abc');
  const body = {
    sizeBytes: 6,
    async *open() {
      yield bytes;
      // A reader that uses its buffer again.
      bytes.write('def');
      yield bytes;
    },
  };

  await store.put(named('a'), body, { signal });
  for await (const chunk of store.get(named('a'), { signal })) chunk.fill(0);

  expect(String(await readBytes(store, 'a'))).toBe('abcdef');
});

test('the memory store tells the time of its own clock', async () => {
  const now = new Date('2026-11-20T00:00:00Z');
  const store = memoryStore({ now: () => now });

  await store.put(named('a'), bodyThat(0, []), { signal });

  expect((await store.stat(named('a'), { signal })).modifiedAt).toEqual(now);
});
