/** A process that puts half an object into the store at argv[2], says so, and waits to be killed. */
import { objectName } from '../../../src/core/names.ts';
import { fileStore } from '../../../src/store/file.ts';

const store = fileStore({ name: 'killed', root: process.argv[2] ?? '' });
const half = Buffer.alloc(3 * 1024 * 1024, 1);
const body = {
  sizeBytes: 2 * half.byteLength,
  async *open() {
    yield half;
    process.stdout.write('half\n');
    await new Promise(() => setInterval(() => {}, 1000));
  },
};
await store.put(objectName('0123456789abcdef/killed.db'), body, {
  signal: new AbortController().signal,
});
