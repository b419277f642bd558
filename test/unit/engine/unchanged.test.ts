/** When a backup is left out because the newest one still holds all that the cluster holds. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { newestIfCurrent } from '../../../src/engine/unchanged.ts';
import { hourMs, openWorkshop, signal, type Workshop } from './workshop.ts';

const noAnswer = new Failure('store-failed', 'the store does not answer');

/** Asks as a run would; the answer is the id of the backup that is still good. */
async function asked(work: Workshop, skipUnchangedMs = hourMs): Promise<string | undefined> {
  const survey = await work.cluster.survey({ signal });
  const order = { trigger: 'schedule', slot: null, attempt: 1, skipUnchangedMs } as const;
  return (await newestIfCurrent(survey, order, work.deps, signal))?.id;
}

describe.concurrent('a run while nothing changed', () => {
  test('ends with the newest backup, says so, and asks no member for a snapshot', async () => {
    await using work = openWorkshop();
    const { id } = await work.backup();
    work.pass(1000);
    work.cluster.calls.length = 0;

    const report = await work.backup({ skipUnchangedMs: hourMs });

    expect(report).toEqual({ result: 'unchanged', id, failures: new Map() });
    const told = { reason: 'unchanged', newest: id, revision: 43n };
    expect(work.of('run-skipped')).toMatchObject([told]);
    expect(work.cluster.calls.map(({ method }) => method)).toEqual(['survey', 'confirmedRevision']);
    for (const store of ['memory', 'disk']) expect(await work.listed(store)).toHaveLength(1);
    expect(work.spooled()).toEqual([]);
  });

  test('takes a backup when it is not to skip any', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    await work.backup();
    work.pass(1000);

    const report = await work.backup({ skipUnchangedMs: 0 });

    expect(report.result).toBe('success');
    expect(await work.listed('memory')).toHaveLength(2);
  });

  test('takes a backup when the newest one has the age that is allowed, not before', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    const { id } = await work.backup();

    work.pass(hourMs - 1);
    expect(await asked(work)).toBe(id);
    work.pass(1);
    expect(await asked(work)).toBeUndefined();
  });

  test('ends with the older one where each store has a good one of its own', async () => {
    await using work = openWorkshop();
    const [memory, disk] = work.deps.shelves;
    const { id } = await work.backup({}, signal, { shelves: [disk!] });
    work.pass(1000);
    await work.backup({}, signal, { shelves: [memory!] });

    expect(await asked(work)).toBe(id);
    expect(await asked(work, 1000)).toBeUndefined();
  });

  test('still skips after a compaction, which changes no content', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    const { id } = await work.backup();
    work.cluster.compact(20n);

    expect(await asked(work)).toBe(id);
  });
});

const changes: Readonly<Record<string, (work: Workshop) => unknown>> = {
  'a key was written': ({ cluster }) => cluster.write({ put: '/a', value: 'second' }),
  'a key was deleted': ({ cluster }) => cluster.write({ remove: '/a' }),
  'a member was added': ({ cluster }) => cluster.add('m4'),
  'a learner was added': ({ cluster }) => cluster.add('late', { learner: true }),
  'one store has no copy': async (work) => {
    const [manifest] = await work.listed('disk');
    if (manifest !== undefined) await work.catalog('disk').forget(manifest.id, { signal });
  },
  'the newest backup is not proved': async (work) => {
    const [manifest] = await work.listed('disk');
    const at = work.deps.now();
    const stored = { at, outcome: 'failed', evidence: {} } as const;
    for (const store of ['memory', 'disk']) {
      await work
        .catalog(store)
        .amend(manifest!.id, (current) => ({ ...current, proofs: { ...current.proofs, stored } }), {
          signal,
        });
    }
  },
  'the newest backup is from the future': (work) => work.pass(-1),
  'there is no quorum to confirm the revision': ({ cluster }) => {
    for (const name of ['m2', 'm3']) cluster.member(name).down = true;
  },
};

describe.concurrent('a run takes a backup although it may skip one, when', () => {
  test.for(Object.keys(changes))('%s', async (name) => {
    await using work = openWorkshop();
    const { id } = await work.backup();
    expect(await asked(work)).toBe(id);

    await changes[name]?.(work);

    expect(await asked(work)).toBeUndefined();
    expect(work.of('run-skipped')).toHaveLength(1);
  });

  test('a store cannot be read', async () => {
    await using work = openWorkshop();
    const { id } = await work.backup();
    expect(await asked(work)).toBe(id);

    work.store('memory').fail('list', 1, noAnswer);

    expect(await asked(work)).toBeUndefined();
  });
});

describe('a run with a store that hangs', () => {
  afterEach(() => void vi.useRealTimers());

  test('waits half a minute to hear that nothing changed, and takes a backup', async () => {
    await using work = openWorkshop();
    await work.backup();
    work.store('memory').stall('list', 1);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let answer: unknown = 'none yet';
    const asking = asked(work).then((id) => {
      answer = id;
    });

    await vi.advanceTimersByTimeAsync(29_999);
    expect(answer).toBe('none yet');
    await vi.advanceTimersByTimeAsync(1);
    await asking;

    expect(answer).toBeUndefined();
  });
});
