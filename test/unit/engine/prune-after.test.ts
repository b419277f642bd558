/** Old backups go only after a new one is proved and kept: a bad night must not cost a good one. */
import { describe, expect, test } from 'vitest';
import type { BackupId } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import { holdBackup } from '../../../src/engine/hold.ts';
import { openWorkshop, signal, type Workshop } from './workshop.ts';

/** Two backups where the rules keep one: whoever prunes now removes the older one. */
async function crowded(): Promise<Workshop> {
  const work = openWorkshop({ members: 2, stores: ['memory', 'disk'], retention: { keepLast: 1 } });
  const { id } = await work.backup();
  await holdEverywhere(work, id, 'until there are two');
  work.pass(60_000);
  await work.backup();
  await holdEverywhere(work, id, null);
  work.pass(60_000);
  return work;
}

async function holdEverywhere(work: Workshop, id: BackupId, reason: string | null): Promise<void> {
  for (const store of ['memory', 'disk']) {
    await holdBackup(work.catalog(store), id, reason, work.deps, { signal });
  }
}

async function idsIn(work: Workshop, store: string): Promise<string[]> {
  return (await work.listed(store)).map(({ id }) => id);
}

describe.concurrent('retention', () => {
  test('removes old backups after the new one is committed', async () => {
    await using work = await crowded();

    const { id } = await work.backup();

    const kinds = work.events.map(({ kind }) => kind);
    expect(await idsIn(work, 'memory')).toEqual([id]);
    expect(kinds.indexOf('backup-pruned')).toBeGreaterThan(kinds.lastIndexOf('backup-committed'));
  });

  test('removes nothing after a run without a backup', async () => {
    await using work = await crowded();
    const before = await idsIn(work, 'memory');
    for (const member of work.cluster.members) member.stream = { kind: 'unsound' };

    await expect(work.backup()).rejects.toMatchObject({ code: 'snapshot-corrupt' });

    expect(before).toHaveLength(2);
    expect(await idsIn(work, 'memory')).toEqual(before);
    expect(work.of('backup-pruned')).toEqual([]);
  });

  test('removes nothing from a store that did not get the new one', async () => {
    await using work = await crowded();
    const before = await idsIn(work, 'disk');
    work.store('disk').fail('put', 1, new Failure('store-full', 'no room'));

    const { id, result } = await work.backup();

    expect(before).toHaveLength(2);
    expect(result).toBe('partial');
    expect(await idsIn(work, 'disk')).toEqual(before);
    expect(await idsIn(work, 'memory')).toEqual([id]);
  });
});
