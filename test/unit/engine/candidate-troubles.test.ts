/** Stores that fail and manifests that cannot be read: nobody gets an older backup unawares. */
import { describe, expect, test } from 'vitest';
import { clusterId, revision } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import { composeBackupId, manifestName } from '../../../src/core/names.ts';
import { putBytes } from '../../contract/store-bodies.ts';
import { found, shop, shown, spoiled, unproved } from './found.ts';
import { hourMs, openWorkshop, signal, type Workshop } from './workshop.ts';

describe('a store that fails', () => {
  const failure = new Failure('store-failed', 'memory: no route to host');

  /** Whatever is asked of it. */
  function breakStore(work: Workshop): void {
    for (let call = 1; call <= 20; call++) work.store('memory').fail('list', call, failure);
  }

  test('is left out with a word where another has what is wanted', async () => {
    await using work = openWorkshop();
    const { id } = await work.place();
    breakStore(work);

    expect(await found(work)).toEqual([`${id} disk`]);
    expect(await found(work, { backup: id })).toEqual([`${id} disk`]);
    const told = { kind: 'catalog-unreadable', store: 'memory', failure };
    expect(work.events).toEqual([told, told]);
  });

  test('is told where it may have had what is wanted: that is not the same as none', async () => {
    await using work = openWorkshop();
    breakStore(work);
    const backup = composeBackupId(work.deps.now(), revision(1n), 'none');

    for (const wanted of [{}, { backup }, { store: 'memory' }]) {
      await expect(found(work, wanted)).rejects.toMatchObject({ message: failure.message });
    }
  });

  test('that is not asked changes nothing', async () => {
    await using work = openWorkshop();
    const { id } = await work.place();
    breakStore(work);

    expect(await found(work, { store: 'disk' })).toEqual([`${id} disk`]);
  });
});

describe('a newer backup that cannot be read', () => {
  test('is not passed over in silence', async () => {
    await using work = shop();
    await work.place();
    work.pass(hourMs);
    const newer = await spoiled(work, 'memory');

    await expect(found(work)).rejects.toMatchObject({
      message: expect.stringContaining(`the newest backup is ${newer}, and `),
      hint: expect.stringContaining('An older backup can be named, or asked for with --before.'),
    });
  });

  test('is told to whoever may pass it over', async () => {
    await using work = shop();
    const older = await work.place();
    work.pass(hourMs);
    const newer = [await spoiled(work, 'memory'), await spoiled(work, 'memory')];
    const told: string[] = [];

    const taken = await found(work, {}, ({ backup }) => void told.push(backup));

    expect(taken).toEqual(shown(older));
    expect(told).toEqual(newer.toReversed());
  });

  test('does not matter where an older one is asked for', async () => {
    await using work = shop();
    const older = await work.place();
    work.pass(hourMs);
    const before = work.deps.now();
    await spoiled(work, 'memory');

    expect(await found(work, { before })).toEqual(shown(older));
    expect(await found(work, { backup: older.id })).toEqual(shown(older));
  });

  test('does not matter where it is older than the latest', async () => {
    await using work = shop();
    await spoiled(work, 'memory');
    const newest = await work.place();

    expect(await found(work)).toEqual(shown(newest));
  });

  test('does not matter where another store has it in a good state', async () => {
    await using work = openWorkshop();
    const { id } = await work.place();
    await work.store('memory').remove(manifestName(work.cluster.id, id), { signal });
    await putBytes(work.store('memory'), manifestName(work.cluster.id, id), 'no manifest');

    expect(await found(work)).toEqual([`${id} disk`]);
  });

  test('does not matter where another store tells that it is not proved', async () => {
    await using work = openWorkshop();
    const older = await work.place();
    work.pass(hourMs);
    const { id } = await work.place(unproved);
    await work.store('memory').remove(manifestName(work.cluster.id, id), { signal });
    await putBytes(work.store('memory'), manifestName(work.cluster.id, id), 'no manifest');

    expect(await found(work)).toEqual([`${older.id} memory`, `${older.id} disk`]);
  });

  test('does not matter where those beside it tell that it is of another cluster', async () => {
    await using work = shop();
    const own = await work.place();
    work.pass(hourMs);
    const id = await spoiled(work, 'memory');
    const foreign = clusterId('2');
    await putBytes(work.store('memory'), manifestName(foreign, id), 'no manifest');
    await work.store('memory').remove(manifestName(work.cluster.id, id), { signal });

    await expect(found(work)).rejects.toMatchObject({ message: expect.stringContaining(id) });
    await work.place({ cluster: { id: foreign, name: 'another' } }, foreign);
    expect(await found(work)).toEqual(shown(own));
  });

  test('is what is told of it where it was named, or is the only one', async () => {
    await using work = shop();
    const backup = await spoiled(work, 'memory');

    await expect(found(work, { backup })).rejects.not.toMatchObject({ code: 'backup-missing' });
    await expect(found(work)).rejects.not.toMatchObject({ code: 'backup-missing' });
    await expect(found(work, {}, () => undefined)).rejects.not.toMatchObject({
      code: 'backup-missing',
    });
  });
});
