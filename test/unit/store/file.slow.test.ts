import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileStore } from '../../../src/store/file.ts';
import { unfinishedPrefix } from '../../../src/store/file-put.ts';
import { storeContract } from '../../contract/store.ts';
import { makeFolder, quickParent } from './places.ts';

const makeStore = async () =>
  fileStore({ name: 'disk', root: join(makeFolder(quickParent), 'root') });

storeContract('file', makeStore, {
  async abandonPut(store) {
    const root = store.describe().replace('file ', '');
    await writeFile(join(root, 'a', `${unfinishedPrefix}0011223344556677`), 'half');
  },
});
