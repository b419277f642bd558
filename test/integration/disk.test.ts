import { readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BackupId } from '../../src/core/backup.ts';
import { canMount, disk, fillUp } from '../support/disk.ts';
import { cluster, type TestCluster } from '../support/etcd.ts';
import { runProgram, type Worker, type Workplace, worker, workplace } from '../support/house.ts';
import { fill } from '../support/workload.ts';

const MiB = 1024 * 1024;
/** Enough that a drain is still under way when its first megabyte is in the spool. */
const databaseBytes = 24 * MiB;
/** What the spool leaves to others; a disk must have more than this and the database. */
const reserveBytes = 64 * MiB;

function keepIn(place: Workplace, stores: Readonly<Record<string, string>>): void {
  const entries = Object.entries(stores).map(([name, path]) => ({ name, type: 'file', path }));
  place.settings['stores'] = JSON.stringify(entries);
}

function filesBelow(folder: string, ending = ''): string[] {
  const names = readdirSync(folder, { recursive: true }).map(String);
  return names.filter((name) => name.includes('.') && name.endsWith(ending));
}

/** What the manifest in the store says of how the stored bytes were compared. */
async function storedProof({ deps }: Worker, id: BackupId): Promise<unknown> {
  const { signal } = new AbortController();
  const { clusterId } = await deps.cluster.survey({ signal });
  const shelf = deps.shelves[0];
  if (shelf === undefined) throw new Error('no store is configured');
  return (await deps.openCatalog(shelf.store, clusterId).find(id, { signal })).proofs.stored;
}

describe.skipIf(!canMount())('a backup on small and broken disks', () => {
  let etcd: TestCluster;
  /** What the database has grown to: writing stops somewhere above what was wanted. */
  let sizeBytes: number;
  beforeAll(async () => {
    etcd = await cluster('3.5');
    ({ sizeBytes } = await fill(etcd, { bytes: databaseBytes }));
  });
  afterAll(() => etcd[Symbol.asyncDispose]());

  test('ends before a byte is drained where the spool has no room for it', async () => {
    using place = workplace(etcd);
    using small = disk(place, 'small', sizeBytes + reserveBytes / 2);
    place.settings['spool.dir'] = small.path;
    await using engine = worker(place);

    await expect(engine.backup()).rejects.toMatchObject({ code: 'spool-full' });

    expect(engine.of('step-advanced')).toEqual([]);
    expect(readdirSync(small.path)).toEqual([]);
    expect(filesBelow(place.storeDir)).toEqual([]);
  });

  test('leaves nothing when somebody else fills the disk of the spool under it', async () => {
    using place = workplace(etcd);
    using shared = disk(place, 'shared', 4 * sizeBytes + reserveBytes);
    place.settings['spool.dir'] = shared.path;
    let isFilled = false;
    await using engine = worker(place, ({ kind }) => {
      if (kind !== 'step-advanced' || isFilled) return;
      isFilled = true;
      fillUp(shared.path);
    });

    await expect(engine.backup()).rejects.toMatchObject({ code: 'spool-full' });

    expect(isFilled).toBe(true);
    expect(engine.of('snapshot-drained')).toEqual([]);
    expect(readdirSync(shared.path)).toEqual(['ballast']);
    expect(filesBelow(place.storeDir)).toEqual([]);
    rmSync(join(shared.path, 'ballast'));
    expect(await engine.backup()).toMatchObject({ result: 'success' });
  });

  test('fails plainly where the spool is read-only', async () => {
    using place = workplace(etcd);
    using fixed = disk(place, 'fixed', 4 * sizeBytes + reserveBytes);
    fixed.makeReadOnly();
    place.settings['spool.dir'] = fixed.path;
    await using engine = worker(place);

    await expect(engine.backup()).rejects.toMatchObject({ code: 'spool-failed' });
  });

  test('is kept in the other store where one is full, and says so by its status', async () => {
    using place = workplace(etcd);
    using full = disk(place, 'full', sizeBytes / 2);
    keepIn(place, { local: place.storeDir, full: full.path });

    const { code, stdout } = await runProgram(['backup', '--json', ...place.words()]);

    expect(code).toBe(41);
    const { id, ...report } = JSON.parse(stdout);
    expect(report).toEqual({
      result: 'partial',
      stores: [
        { store: 'local', stored: true, code: null },
        { store: 'full', stored: false, code: 'store-full' },
      ],
    });
    expect(filesBelow(full.path)).toEqual([]);
    const kept = filesBelow(place.storeDir).map((name) => basename(name));
    expect(kept.toSorted()).toEqual([`${id}.db`, `${id}.json`]);
    expect(readdirSync(place.spoolDir)).toEqual([]);
  });

  test('fails as denied where the only store has become read-only', async () => {
    using place = workplace(etcd);
    using fixed = disk(place, 'fixed', 4 * sizeBytes);
    keepIn(place, { fixed: fixed.path });
    await using engine = worker(place);
    fixed.makeReadOnly();

    await expect(engine.backup()).rejects.toMatchObject({
      code: 'store-denied',
      message: expect.stringContaining('the file system is read-only'),
    });

    expect(readdirSync(place.spoolDir)).toEqual([]);
  });

  test('is copied to another disk, and read back there', async () => {
    using place = workplace(etcd);
    using other = disk(place, 'other', 4 * sizeBytes);
    keepIn(place, { other: other.path });
    await using engine = worker(place);

    const { id } = await engine.backup();

    const evidence = { compared: 'read back', sizeBytes: expect.any(Number) };
    expect(await storedProof(engine, id)).toMatchObject({ outcome: 'passed', evidence });
    const names = filesBelow(other.path).map((name) => basename(name));
    expect(names.toSorted()).toEqual([`${id}.db`, `${id}.json`]);
  });

  test('is the spool file itself where the store is on the same disk', async () => {
    using place = workplace(etcd);
    const seen: { spooled: number; stored: number; names: number }[] = [];
    await using engine = worker(place, ({ kind }) => {
      if (kind !== 'backup-committed') return;
      const [spooled, stored] = [
        [place.spoolDir, '.part'],
        [place.storeDir, '.db'],
      ].map(([folder = '', ending = '']) => {
        return statSync(join(folder, filesBelow(folder, ending)[0] ?? ''));
      });
      seen.push({
        spooled: spooled?.ino ?? 0,
        stored: stored?.ino ?? 0,
        names: stored?.nlink ?? 0,
      });
    });

    const { id } = await engine.backup();

    expect(seen).toEqual([{ spooled: seen[0]?.stored, stored: seen[0]?.spooled, names: 2 }]);
    const evidence = { compared: 'same-file' };
    expect(await storedProof(engine, id)).toMatchObject({ outcome: 'passed', evidence });
  });
});
