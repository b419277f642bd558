/** Which backups a restore may take, and in which order. */
import { describe, expect, test } from 'vitest';
import { type BackupId, clusterId, revision } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { composeBackupId, manifestName } from '../../../src/core/names.ts';
import { candidates, type Unreadable, type Wanted } from '../../../src/engine/candidates.ts';
import { putBytes } from '../../contract/store-bodies.ts';
import { sampleManifest } from '../core/sample-manifest.ts';
import { hourMs, openWorkshop, signal, type Workshop } from './workshop.ts';

const latest: Wanted = { backup: 'latest', before: null, store: null, cluster: null };
const { proofs } = sampleManifest();
const differs = { at: new Date(0), outcome: 'failed' as const, evidence: {} };
const unproved: Partial<Manifest> = { proofs: { ...proofs, agreed: differs } };
const stranger = clusterId('1');

async function found(
  work: Workshop,
  wanted: Partial<Wanted> = {},
  ...passOver: [(newer: Unreadable) => void] | []
): Promise<string[]> {
  const all = await candidates({ ...latest, ...wanted }, work.deps, signal, ...passOver);
  return all.map(({ manifest, shelf }) => `${manifest.id} ${shelf.store.name}`);
}

/** As `found` shows the backups, in a shop with one store. */
function shown(...manifests: readonly Manifest[]): string[] {
  return manifests.map(({ id }) => `${id} memory`);
}

function shop(): Workshop {
  return openWorkshop({ stores: ['memory'] });
}

/** One backup an hour, the oldest first; `changes` by place. */
async function hourly(
  work: Workshop,
  changes: readonly Partial<Manifest>[],
): Promise<readonly [Manifest, Manifest, Manifest]> {
  const placed: Manifest[] = [];
  for (const one of changes) {
    placed.push(await work.place(one));
    work.pass(hourMs);
  }
  return placed as never;
}

/** A manifest that nobody can read, dated now. */
async function spoiled(work: Workshop, ...stores: readonly string[]): Promise<BackupId> {
  const id = composeBackupId(work.deps.now(), revision(1n), 'zzzz');
  for (const name of stores) {
    await putBytes(work.store(name), manifestName(work.cluster.id, id), '{"format":');
  }
  work.pass(hourMs);
  return id;
}

describe('the latest', () => {
  test('are the proved ones, the newest first', async () => {
    await using work = shop();
    const [first, , third] = await hourly(work, [{}, unproved, {}]);

    expect(await found(work)).toEqual(shown(third, first));
  });

  test('are only those before a time, if one is named', async () => {
    await using work = shop();
    const [first, second, third] = await hourly(work, [{}, {}, {}]);

    expect(await found(work, { before: third.startedAt })).toEqual(shown(second, first));
    const justAfter = new Date(third.startedAt.getTime() + 1);
    expect(await found(work, { before: justAfter })).toEqual(shown(third, second, first));
  });

  test('are not of the future, which is a wrong clock', async () => {
    await using work = shop();
    const past = await work.place();
    const inMinutes = (count: number) => new Date(work.deps.now().getTime() + count * 60_000);
    const soon = await work.place({ startedAt: inMinutes(4) });
    const late = await work.place({ startedAt: inMinutes(6) });

    expect(await found(work)).toEqual(shown(soon, past));
    expect(await found(work, { before: inMinutes(60) })).toEqual(shown(late, soon, past));
  });

  test('are of every store, or of the named one', async () => {
    await using work = openWorkshop();
    const { id } = await work.place();

    expect(await found(work)).toEqual([`${id} memory`, `${id} disk`]);
    expect(await found(work, { store: 'disk' })).toEqual([`${id} disk`]);
  });

  test('are of the configured cluster, or of the one that is named by its id', async () => {
    await using work = shop();
    const own = await work.place();
    work.pass(hourMs);
    const foreign = { cluster: { id: stranger, name: 'another' } };
    const strange = await work.place(foreign, stranger);

    expect(await found(work)).toEqual(shown(own));
    expect(await found(work, { cluster: stranger })).toEqual(shown(strange));
  });

  test('are also those of a cluster that was rebuilt under the same name', async () => {
    await using work = shop();
    const old = await work.place({ cluster: { id: stranger, name: 'test' } }, stranger);
    work.pass(hourMs);
    const own = await work.place();

    expect(await found(work)).toEqual(shown(own, old));
  });
});

describe('a named backup', () => {
  test('comes first, and older proved ones after it, never a newer one', async () => {
    await using work = shop();
    const [first, second] = await hourly(work, [{}, {}, {}]);

    expect(await found(work, { backup: second.id })).toEqual(shown(second, first));
  });

  test('is taken though it is not proved', async () => {
    await using work = shop();
    const [first, second] = await hourly(work, [{}, unproved]);

    expect(await found(work, { backup: second.id })).toEqual(shown(second, first));
  });

  test('is never followed by one of another cluster', async () => {
    await using work = shop();
    await work.place({ cluster: { id: stranger, name: 'test' } }, stranger);
    work.pass(hourMs);
    const own = await work.place();

    expect(await found(work, { backup: own.id })).toEqual(shown(own));
  });

  test('comes from each store that has it', async () => {
    await using work = openWorkshop();
    const { id } = await work.place();

    expect(await found(work, { backup: id })).toEqual([`${id} memory`, `${id} disk`]);
  });
});

describe('there is nothing to take', () => {
  const backup = composeBackupId(new Date('2026-11-20T15:45:00Z'), revision(1n), 'none');
  const before = new Date('2026-01-01T00:00:00Z');

  test.each<[Partial<Wanted>, string]>([
    [{}, 'there is no proved backup of cluster test'],
    [{ before }, 'there is no proved backup of cluster test before 2026-01-01T00:00:00.000Z'],
    [{ cluster: stranger }, `there is no proved backup of cluster id ${stranger}`],
    [{ backup }, `there is no backup ${backup} of cluster test`],
  ])('in %j', async (wanted, message) => {
    await using work = shop();
    await work.place(unproved);

    await expect(found(work, wanted)).rejects.toMatchObject({ code: 'backup-missing', message });
  });

  test('in a store that is not there', async () => {
    await using work = shop();

    await expect(found(work, { store: 'tape' })).rejects.toMatchObject({
      code: 'usage',
      message: 'no store is named tape',
    });
  });
});

describe('a store that fails', () => {
  const failure = new Failure('store-failed', 'memory: no route to host');

  /** Whatever is asked of it. */
  function breakStore(work: Workshop): void {
    for (let call = 1; call <= 20; call++) work.store('memory').fail('list', call, failure);
  }

  test('is left out where another has what is wanted', async () => {
    await using work = openWorkshop();
    const { id } = await work.place();
    breakStore(work);

    expect(await found(work)).toEqual([`${id} disk`]);
    expect(await found(work, { backup: id })).toEqual([`${id} disk`]);
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

test.each([null, 'its own'])('who stops asking gets no answer: cluster %s', async (cluster) => {
  await using work = shop();
  await work.place();
  work.store('memory').stall('list', 1);
  const ending = new AbortController();
  const ended = new Error('it was stopped');

  const wanted = { ...latest, cluster: cluster === null ? null : work.cluster.id };
  const asked = candidates(wanted, work.deps, ending.signal);
  ending.abort(ended);

  await expect(asked).rejects.toBe(ended);
});
