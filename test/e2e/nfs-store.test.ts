/** The store of type nfs over a plain directory: the same promises, from a process of its own. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unfinishedPrefix } from '../../src/store/file-put.ts';
import { nfsStore } from '../../src/store/nfs/store.ts';
import { storeContract } from '../contract/store.ts';
import { makeFolder, quickParent } from '../unit/store/places.ts';

const makeStore = async () =>
  nfsStore({
    name: 'nas',
    root: join(makeFolder(quickParent), 'root'),
    mountPoint: '/',
    stallMs: 60_000,
  });

storeContract('nfs', makeStore, {
  async abandonPut(store) {
    const root = store.describe().replace('nfs ', '');
    await writeFile(join(root, 'a', `${unfinishedPrefix}0011223344556677`), 'half');
  },
});
