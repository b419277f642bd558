/** The step that stores the backup tells how far it is: over a slow line it takes hours. */
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const mebibyte = 1024 * 1024;

function progressOf(work: Workshop): { doneBytes: number; totalBytes: number }[] {
  return work
    .of('step-advanced')
    .filter(({ step }) => step === 'store')
    .map(({ doneBytes, totalBytes }) => ({ doneBytes, totalBytes }));
}

function fill(work: Workshop, mebibytes: number): void {
  for (let at = 0; at < mebibytes; at += 1) {
    work.cluster.write({ put: `/large/${at}`, value: 'x'.repeat(mebibyte) });
  }
}

describe('storing a backup', () => {
  test('tells every few MiB that are sent and read back, without steps backwards', async () => {
    await using work = openWorkshop({ members: 1, stores: ['memory'] });
    fill(work, 5);

    const { id } = await work.backup();

    const told = progressOf(work);
    const [manifest] = await work.listed('memory');
    const { sizeBytes } = manifest?.sealed ?? { sizeBytes: 0 };
    const steps = told.map(({ doneBytes }, at) => doneBytes - (told[at - 1]?.doneBytes ?? 0));
    expect(manifest?.id).toBe(id);
    expect(told).toHaveLength(3);
    expect(Math.min(...steps)).toBeGreaterThan(0);
    // What the store took during the drain counts from the beginning.
    expect(told[0]).toEqual({ doneBytes: sizeBytes, totalBytes: sizeBytes });
    expect(Math.max(...steps.slice(1))).toBeLessThan(5 * mebibyte);
    expect(told.at(-1)).toEqual({ doneBytes: 2 * sizeBytes, totalBytes: 2 * sizeBytes });
  });

  test('tells one sum for all stores', async () => {
    await using work = openWorkshop({ members: 1, stores: ['memory', 'disk'] });
    // A body that went through a fault has no file to link to: the disk takes every byte, too.
    work.store('disk').cut('put', Number.MAX_SAFE_INTEGER);

    await work.backup();

    const [manifest] = await work.listed('disk');
    const { sizeBytes } = manifest?.sealed ?? { sizeBytes: 0 };
    const told = progressOf(work);
    const done = told.map(({ doneBytes }) => doneBytes / sizeBytes);
    // How much both had taken when the step began is theirs to choose.
    expect([1, 2, 3, 4]).toEqual(expect.arrayContaining(done));
    expect(done).toEqual(done.toSorted((one, other) => one - other));
    expect(told.at(-1)).toEqual({ doneBytes: 4 * sizeBytes, totalBytes: 4 * sizeBytes });
  });

  test('leaves a store that failed behind', async () => {
    await using work = openWorkshop({ members: 1, stores: ['memory', 'disk'] });
    work.store('disk').fail('put', 1, new Failure('store-full', 'no room'));

    const { result } = await work.backup();

    const [manifest] = await work.listed('memory');
    const { sizeBytes } = manifest?.sealed ?? { sizeBytes: 0 };
    expect(result).toBe('partial');
    expect(progressOf(work)).toEqual([
      { doneBytes: sizeBytes, totalBytes: 2 * sizeBytes },
      { doneBytes: 2 * sizeBytes, totalBytes: 3 * sizeBytes },
    ]);
  });
});
