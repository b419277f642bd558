/** Damaged copies: found, told, and replaced by what another store holds. */
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { isProved } from '../../../src/core/manifest.ts';
import { isDamaged, lastRead } from '../../../src/core/reading.ts';
import { scrubStores } from '../../../src/engine/scrub.ts';
import { memoryStore } from '../../../src/store/memory.ts';
import { named, putBytes, readBytes } from '../../contract/store-bodies.ts';
import { faultyStore } from '../../support/faults.ts';
import { damages, everything, manifestIn, scrub, stocked, told } from './scrubbing.ts';
import { hourMs, openWorkshop, signal, type Workshop } from './workshop.ts';

describe.concurrent.for(Object.entries(damages))('a copy with %s', ([what, damage]) => {
  test('is found and replaced by what the other store holds', async () => {
    await using stock = await stocked();
    const { work, older } = stock;
    const whole = await readBytes(work.store('memory'), older.sealed.object);
    await damage(work, older);

    const report = await scrub(work);

    expect(report.result).toBe('repaired');
    expect(told(report)).toContain('disk 0001 repaired');
    expect(report.copies.find(({ outcome }) => outcome === 'repaired')).toMatchObject({
      from: 'memory',
    });
    expect(await readBytes(work.store('disk'), older.sealed.object)).toEqual(whole);
    const manifest = await manifestIn(work, 'disk', older);
    expect(manifest.proofs.stored?.outcome).toBe('passed');
    expect(lastRead(manifest)).toEqual(work.deps.now());
    expect(isProved(manifest)).toBe(true);
    expect(work.of('backup-damaged')).toMatchObject([{ store: 'disk', id: older.id }]);
    expect(work.of('repair-failed')).toEqual([]);
    expect((await scrub(work)).result).toBe('clean');
  });

  test('is told and left where nothing shall be repaired', async () => {
    await using stock = await stocked();
    const { work, older } = stock;
    await damage(work, older);

    const report = await scrub(work, { repair: false });

    expect(report.result).toBe('damaged');
    expect(told(report)).toContain('disk 0001 damaged');
    expect(work.of('backup-copied')).toEqual([]);
    const again = await scrub(work, { repair: false });
    expect(told(again)).toContain('disk 0001 damaged');
    const { backups, faults } = await work.catalog('disk').backups({ signal });
    // What can be written down is; and a manifest whose data is gone is still there to tell of it.
    const judged = [...backups, ...faults.flatMap(({ manifest }) => manifest ?? [])];
    const isNoted = judged.some((manifest) => manifest.id === older.id && isDamaged(manifest));
    expect(isNoted).toBe(!/manifest|data missing/.test(what));
    expect(backups.length + faults.length).toBe(2);
  });
});

const ofData = Object.entries(damages).filter(([what]) => !what.includes('manifest'));

describe.concurrent.for(ofData)('a copy with %s', ([, damage]) => {
  test('is told loudly where no other store has a good one', async () => {
    await using stock = await stocked();
    const { work, older } = stock;
    await damage(work, older);
    work.store('memory').flip(9, 'every-read', named(older.sealed.object));

    const report = await scrub(work);

    expect(report.result).toBe('damaged');
    expect(told(report)).toEqual([
      'disk 0001 damaged',
      'disk 0002 passed',
      'memory 0001 damaged',
      'memory 0002 passed',
    ]);
    const failed = work.of('repair-failed');
    expect(failed.map(({ store }) => store).sort()).toEqual(['disk', 'memory']);
    for (const { failure } of failed) expect(failure.message).toMatch(/could not be repaired/);
  });
});

describe.concurrent('a scrub that leaves the shared store to others', () => {
  test('reads the own one only, and repairs it from the shared one', async () => {
    await using stock = await stocked();
    const { work, older } = stock;
    await damages['its data missing']?.(work, older);
    const shelves = work.deps.shelves.map((shelf) => {
      return { ...shelf, shared: shelf.store.name === 'memory' };
    });

    const report = await scrubStores(
      { ...everything, ownOnly: true },
      { ...work.deps, shelves },
      { signal },
    );

    expect(told(report)).toEqual(['disk 0001 repaired', 'disk 0002 passed']);
  });
});

describe.concurrent('two stores that are each half right', () => {
  test('make one whole copy: the data of one, the manifest of the other', async () => {
    await using stock = await stocked();
    const { work, older } = stock;
    const whole = await readBytes(work.store('memory'), older.sealed.object);
    await damages['a manifest that is none']?.(work, older);
    await putBytes(work.store('memory'), older.sealed.object, 'other  bytes');

    await scrub(work);
    const report = await scrub(work);

    expect(['clean', 'repaired']).toContain(report.result);
    for (const store of ['memory', 'disk']) {
      expect(await readBytes(work.store(store), older.sealed.object)).toEqual(whole);
      expect(isProved(await manifestIn(work, store, older))).toBe(true);
    }
  });
});

describe.concurrent('two copies whose data was exchanged', () => {
  test('are both found, though each is a whole backup, and both repaired', async () => {
    await using work = openWorkshop();
    const { id: older } = await work.backup();
    work.pass(hourMs);
    work.cluster.write({ put: '/key/1', value: 'changed' });
    const { id: newer } = await work.backup();
    const [one, other] = await work.listed('disk');
    const store = work.store('disk');
    const first = Uint8Array.from(await readBytes(store, one!.sealed.object));
    const second = Uint8Array.from(await readBytes(store, other!.sealed.object));
    await putBytes(store, one!.sealed.object, second);
    await putBytes(store, other!.sealed.object, first);

    const report = await scrub(work);

    expect(report.result).toBe('repaired');
    const repaired = report.copies.filter(({ outcome }) => outcome === 'repaired');
    expect(repaired.map(({ backup }) => backup).sort()).toEqual([older, newer]);
    expect(Buffer.from(await readBytes(store, one!.sealed.object)).equals(first)).toBe(true);
    expect((await scrub(work)).result).toBe('clean');
  });
});

/** A third store, which the workshop knows nothing of, and the scrub of the three. */
function withThird(work: Workshop) {
  const third = faultyStore(memoryStore({ name: 'third' }));
  const shelves = [...work.deps.shelves, { store: third, retention: {} }];
  const run = () => scrubStores(everything, { ...work.deps, shelves }, { signal });
  return { third, run };
}

describe.concurrent('a repair', () => {
  test('ends with a reading, also where the store compares what it takes', async () => {
    await using stock = await stocked();
    const { work, older } = stock;
    await damages['a flipped bit']?.(work, older);
    work.store('disk').says('checksum');

    const report = await scrub(work);

    expect(report.result).toBe('repaired');
    expect(lastRead(await manifestIn(work, 'disk', older))).toEqual(work.deps.now());
  });

  test('asks the next store where the first one has no good copy either', async () => {
    await using stock = await stocked();
    const { work, older } = stock;
    const { third, run } = withThird(work);
    for await (const { name } of work.store('memory').list('', { signal })) {
      await putBytes(third, name, await readBytes(work.store('memory'), name));
    }
    await damages['a flipped bit']?.(work, older);
    work.store('memory').flip(9, 'every-read', named(older.sealed.object));

    const report = await run();

    expect(told(report)).toContain('disk 0001 repaired');
    expect(report.copies.find(({ store }) => store === 'disk')).toMatchObject({ from: 'third' });
  });

  test('asks no other store where its own one takes nothing', async () => {
    await using stock = await stocked();
    const { work, older } = stock;
    const { third, run } = withThird(work);
    await damages['a flipped bit']?.(work, older);
    const full = new Failure('store-full', 'no space left on the disk');
    work.store('disk').refuse('put', full, named(older.sealed.object));

    const report = await run();

    expect(told(report)).toContain('disk 0001 damaged');
    expect(third.calls.filter(({ method }) => method === 'get')).toEqual([]);
    expect(work.of('repair-failed')).toMatchObject([
      { failure: { message: expect.stringMatching(/could not be repaired: memory: no space/) } },
    ]);
  });
});
