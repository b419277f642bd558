import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bodyOf, bytesOf, named, readBytes, signal } from '../../contract/store-bodies.ts';
import { worker, workplace } from '../../support/house.ts';

/** 64 KiB in a second, in one chunk: three seconds for what may be silent for one. */
const limits = { bandwidth: { upload: '64KiB', download: '64KiB' }, stallTimeout: '1s' };
const bytes = bytesOf(192 * 1024, 1);

test('the limits of a store hold as configured, and a slow pace is no silence', async () => {
  const clientUrls = ['http://127.0.0.1:1'];
  using place = workplace({ clientUrls, tls: undefined, clientPair: undefined });
  const local = { name: 'local', type: 'file', path: place.storeDir };
  place.settings['stores'] = JSON.stringify([{ ...local, ...limits }]);
  await using house = worker(place);
  const store = house.deps.shelves[0]!.store;
  const took: number[] = [];
  const time = async (work: () => Promise<unknown>) => {
    const beganMs = performance.now();
    await work();
    took.push(performance.now() - beganMs);
  };

  await time(() => store.put(named('a'), bodyOf(bytes, bytes.byteLength), { signal }));
  await time(async () => {
    expect((await readBytes(store, 'a')).equals(bytes)).toBe(true);
  });

  for (const ms of took) expect(ms).toBeGreaterThan(2_700);
  rmSync(place.storeDir, { recursive: true });
});
