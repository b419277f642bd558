/** What the daemon tells of its stores when it looks at them without taking a backup. */
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { lookAround } from '../../../src/engine/prepare.ts';
import { openWorkshop, signal, type Workshop } from './workshop.ts';

function silence(work: Workshop): void {
  for (const member of work.cluster.members) member.down = true;
}

/** What was told of the stores since so many events. */
function told(work: Workshop, since = 0): unknown[] {
  return work.events.slice(since).flatMap((event) => {
    if (event.kind === 'catalog-read') return [[event.store, event.backups]];
    return event.kind === 'catalog-unreadable' ? [[event.store, event.failure.code]] : [];
  });
}

describe.concurrent('looking around', () => {
  test('tells what each store holds, also while the cluster is down', async () => {
    await using work = openWorkshop();
    await work.backup();
    silence(work);
    const before = work.events.length;

    await lookAround(work.deps, signal);

    expect(told(work, before).sort()).toEqual([
      ['disk', 1],
      ['memory', 1],
    ]);
  });

  test('tells that a store was emptied, though nobody can say which cluster is ours', async () => {
    await using work = openWorkshop();
    const { id } = await work.backup();
    await work.catalog('memory').forget(id, { signal });
    await work.catalog('disk').forget(id, { signal });
    silence(work);
    const before = work.events.length;

    await lookAround(work.deps, signal);

    expect(told(work, before).sort()).toEqual([
      ['disk', 0],
      ['memory', 0],
    ]);
  });

  test('does not call a store empty that has backups of another cluster', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    await work.backup();
    silence(work);
    const before = work.events.length;

    await lookAround({ ...work.deps, clusterName: 'another' }, signal);

    expect(told(work, before)).toEqual([]);
  });

  test('tells of a store that does not answer while the cluster is down', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    silence(work);
    // The first listing is the search for our cluster.
    work.store('memory').fail('list', 2, new Failure('store-failed', 'no answer'));

    await lookAround(work.deps, signal);

    expect(told(work)).toEqual([['memory', 'store-failed']]);
  });
});
