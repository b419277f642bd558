/** A process that puts the byte argv[3] as object `shared` into the store at argv[2], many times. */
import { objectName } from '../../../src/core/names.ts';
import { fileStore } from '../../../src/store/file.ts';

const [, , root = '', byte = '0'] = process.argv;
const store = fileStore({ name: `writer-${byte}`, root });
const bytes = Buffer.alloc(100_000 + Number(byte), Number(byte));
for (let turn = 0; turn < 40; turn += 1) {
  const body = {
    sizeBytes: bytes.byteLength,
    async *open() {
      yield bytes;
    },
  };
  await store.put(objectName(`folder-${turn % 4}/shared`), body, {
    signal: new AbortController().signal,
  });
}
