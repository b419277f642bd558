/**
 * A program with a store of type nfs at argv[2], which lists it, and does what argv[3] says: `end`;
 * `put` half an object and wait to be killed; or `stall`: list until that fails, and end.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { toFailure } from '../../src/core/errors.ts';
import { objectName } from '../../src/core/names.ts';
import { nfsStore } from '../../src/store/nfs/store.ts';

const [, , root = '', what = ''] = process.argv;
const { signal } = new AbortController();
const store = nfsStore({
  name: 'nas',
  root,
  mountPoint: '/',
  stallMs: what === 'stall' ? 2000 : 60_000,
});
for await (const _ of store.list('', { signal }));
if (what === 'put') {
  const body = {
    sizeBytes: 2,
    async *open() {
      yield Buffer.from('x');
      // Taken: the file is open, and half written.
      process.stdout.write('half\n');
      await new Promise(() => setInterval(() => {}, 1000));
    },
  };
  await store.put(objectName('folder/killed'), body, { signal });
}
process.stdout.write('listed\n');
if (what === 'stall') {
  try {
    for (;;) {
      for await (const _ of store.list('', { signal }));
      await sleep(50);
    }
  } catch (thrown) {
    process.stdout.write(`${toFailure(thrown).code}\n`);
  }
}
