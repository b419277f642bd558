import { join } from 'node:path';
import { fileStore } from '../../src/store/file.ts';
import { limitRate } from '../../src/store/limit-rate.ts';
import { limitStall } from '../../src/store/limit-stall.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/port.ts';
import { storeContract } from '../contract/store.ts';
import { makeFolder, quickParent } from '../unit/store/places.ts';

/** Fast enough for the megabytes of the contract, slow enough that bytes have to wait. */
const bytesPerSecond = 256 * 1024 * 1024;

const limited = (store: Store): Store => {
  const guarded = limitStall(store, { stallMs: 20_000, heldBytes: 1024 });
  return limitRate(guarded, { upload: bytesPerSecond, download: bytesPerSecond });
};
const disk = async () => fileStore({ name: 'disk', root: join(makeFolder(quickParent), 'root') });

storeContract('memory with limits', async () => limited(memoryStore()), {
  heldBytesLimit: Number.POSITIVE_INFINITY,
});
storeContract('file with limits', async () => limited(await disk()));
