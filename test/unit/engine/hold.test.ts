import { describe, expect, test } from 'vitest';
import type { BackupId } from '../../../src/core/backup.ts';
import { composeBackupId } from '../../../src/core/names.ts';
import { holdBackup } from '../../../src/engine/hold.ts';
import { openWorkshop, signal, type Workshop } from './workshop.ts';

function hold(work: Workshop, id: BackupId, reason: string | null): Promise<void> {
  return holdBackup(work.catalog('memory'), id, reason, work.deps, { signal });
}

async function heldIn(work: Workshop, store: string): Promise<unknown> {
  return (await work.listed(store))[0]?.hold;
}

describe('a hold', () => {
  test('is set in one store with its time and its reason, and told', async () => {
    await using work = openWorkshop();
    const { id } = await work.place();

    await hold(work, id, 'before the upgrade');

    const mark = { at: work.deps.now(), reason: 'before the upgrade' };
    expect(await heldIn(work, 'memory')).toEqual(mark);
    expect(await heldIn(work, 'disk')).toBeNull();
    const told = { store: 'memory', id, held: true, reason: 'before the upgrade' };
    expect(work.of('hold-changed')).toEqual([{ kind: 'hold-changed', ...told }]);
  });

  test('may be set again for another reason', async () => {
    await using work = openWorkshop();
    const { id } = await work.place();
    await hold(work, id, 'first');
    work.pass(1000);

    await hold(work, id, 'second');

    expect(await heldIn(work, 'memory')).toEqual({ at: work.deps.now(), reason: 'second' });
  });

  test('is released, also twice', async () => {
    await using work = openWorkshop();
    const { id } = await work.place();
    await hold(work, id, 'first');

    await hold(work, id, null);
    await hold(work, id, null);

    expect(await heldIn(work, 'memory')).toBeNull();
    expect(work.of('hold-changed').map(({ held }) => held)).toEqual([true, false, false]);
  });

  test('changes nothing else of the backup', async () => {
    await using work = openWorkshop();
    const { id } = await work.place();
    const [before] = await work.listed('memory');

    await hold(work, id, 'first');

    const [after] = await work.listed('memory');
    expect({ ...after, hold: null }).toEqual(before);
  });

  test('cannot be set on what the store does not have, and is not told', async () => {
    await using work = openWorkshop();
    const unknown = composeBackupId(work.deps.now(), work.cluster.newest, 'none');

    await expect(hold(work, unknown, 'first')).rejects.toMatchObject({ code: 'backup-missing' });

    expect(work.of('hold-changed')).toEqual([]);
  });
});
