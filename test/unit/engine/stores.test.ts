/** How each store gets its copy, and what is left where it does not. */
import { describe, expect, test } from 'vitest';
import { Failure, type FailureCode } from '../../../src/core/errors.ts';
import { dataName } from '../../../src/core/names.ts';
import { namesIn } from '../../contract/store-bodies.ts';
import type { FaultyStore } from '../../support/faults.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

function failureOf(code: FailureCode): Failure {
  return new Failure(code, `this store says ${code}`);
}

/** Which stores list a backup now. */
async function holders(work: Workshop): Promise<string[]> {
  const found: string[] = [];
  for (const name of ['memory', 'disk']) {
    if ((await work.listed(name)).length > 0) found.push(name);
  }
  return found;
}

/** How a store can go wrong under a run, and what it says. */
const troubles: Readonly<Record<string, (store: FaultyStore) => FailureCode>> = {
  'takes no data': (store) => {
    store.fail('put', 1, failureOf('store-full'));
    return 'store-full';
  },
  'takes the data and no manifest': (store) => {
    store.fail('put', 2, failureOf('store-denied'));
    return 'store-denied';
  },
  'takes the manifest and loses its answer': (store) => {
    store.fail('put', 2, failureOf('store-failed'), { after: true });
    return 'store-failed';
  },
  'keeps only the beginning and calls it well': (store) => {
    store.cut('put', 4096);
    return 'object-damaged';
  },
  'gives a bit of the data back wrong': (store) => {
    store.flip(4096 * 8, 'every-read');
    return 'object-damaged';
  },
  'cannot be read': (store) => {
    store.fail('get', 1, failureOf('store-denied'));
    return 'store-denied';
  },
};

describe.concurrent('a store that', () => {
  test.for(Object.keys(troubles))('%s lists no backup, and the other one does', async (name) => {
    await using work = openWorkshop();
    const code = troubles[name]?.(work.store('memory'));

    const { result, id, failures } = await work.backup();
    work.store('memory').heal();

    expect(result).toBe('partial');
    expect([...failures].map(([store, failure]) => [store, failure.code])).toEqual([
      ['memory', code],
    ]);
    const told = { store: 'memory', id, failure: { code } };
    expect(work.of('backup-not-stored')).toMatchObject([told]);
    expect(work.of('backup-committed').map(({ store }) => store)).toEqual(['disk']);
    expect(work.of('prune-finished').map(({ store }) => store)).toEqual(['disk']);
    expect(await holders(work)).toEqual(['disk']);
    expect(work.spooled()).toEqual([]);
  });

  test('has data without a manifest is cleaned when the grace has passed', async () => {
    await using work = openWorkshop();
    work.store('memory').fail('put', 2, failureOf('store-failed'));
    const { id } = await work.backup();
    const orphan = dataName(work.cluster.id, id);
    const names = () => namesIn(work.store('memory'));

    work.pass(23 * 3_600_000);
    await work.backup();
    const young = await names();
    work.pass(2 * 3_600_000);
    await work.backup();

    expect(young).toContain(orphan);
    expect(await names()).not.toContain(orphan);
    expect(work.of('orphans-swept')).toMatchObject([{ store: 'memory', objects: [orphan] }]);
  });

  test('hangs ends with the run, and the store beside it has its backup all the same', async () => {
    await using work = openWorkshop();
    const stop = new AbortController();
    const reason = failureOf('stopped');
    work.store('memory').stall('put', 1);
    work.on = ({ kind }) => {
      if (kind === 'backup-committed') stop.abort(reason);
    };

    await expect(work.backup({}, stop.signal)).rejects.toBe(reason);

    expect(await holders(work)).toEqual(['disk']);
    expect(work.spooled()).toEqual([]);
  });
});

describe.concurrent('every store', () => {
  test('failing fails the run as the first of them, and prunes nothing', async () => {
    await using work = openWorkshop({ retention: { keepLast: 1 } });
    await work.backup();
    const pruned = work.of('prune-finished').length;
    work.pass(1000);
    const [first, second] = [failureOf('store-full'), failureOf('store-denied')];
    work.store('memory').fail('put', 1, first);
    work.store('disk').fail('put', 1, second);

    const thrown = await work.backup().catch((error: unknown) => error);

    expect([first, second]).toContain(thrown);
    expect(
      work
        .of('backup-not-stored')
        .map(({ store }) => store)
        .sort(),
    ).toEqual(['disk', 'memory']);
    expect(work.of('prune-finished')).toHaveLength(pruned);
    expect(await holders(work)).toEqual(['memory', 'disk']);
    expect(work.spooled()).toEqual([]);
  });

  test('tells how it compared what it holds with what was sent', async () => {
    await using work = openWorkshop();

    await work.backup();

    const compared = [];
    for (const store of ['memory', 'disk']) {
      const [manifest] = await work.listed(store);
      const { sizeBytes } = manifest?.sealed ?? {};
      compared.push(manifest?.proofs.stored);
      expect(manifest?.proofs.stored?.evidence['sizeBytes']).toBe(sizeBytes);
    }
    expect(compared).toMatchObject([
      { outcome: 'passed', evidence: { compared: 'read back' } },
      { outcome: 'passed', evidence: { compared: expect.stringMatching(/^same-file|read back$/) } },
    ]);
  });
});
