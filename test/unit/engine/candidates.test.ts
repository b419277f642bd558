/** Which backups a restore may take, and in which order. */
import { describe, expect, test } from 'vitest';
import { revision } from '../../../src/core/backup.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { composeBackupId } from '../../../src/core/names.ts';
import { candidates, type Wanted } from '../../../src/engine/candidates.ts';
import { found, hourly, latest, shop, shown, stranger, unproved } from './found.ts';
import { hourMs, openWorkshop, signal } from './workshop.ts';

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

  test('comes first from the store whose copy was not found damaged', async () => {
    await using work = openWorkshop();
    const { id } = await work.place();
    const stored = { at: work.deps.now(), outcome: 'failed' as const, evidence: {} };
    const judge = (now: Manifest) => ({ ...now, proofs: { ...now.proofs, stored } });
    await work.catalog('memory').amend(id, judge, { signal });

    expect(await found(work, { backup: id })).toEqual([`${id} disk`, `${id} memory`]);
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
