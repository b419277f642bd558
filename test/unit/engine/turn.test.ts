/** What a daemon does about a slot that another one may have answered. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import type { BackupReport } from '../../../src/engine/backup.ts';
import type { BackupOrder } from '../../../src/engine/order.ts';
import { drawTurn, takeNeededBackup } from '../../../src/engine/turn.ts';
import { named } from '../../contract/store-bodies.ts';
import { keyPair, trusting } from '../../support/signing.ts';
import { hourMs, openWorkshop, signal, type Workshop } from './workshop.ts';

const slot = new Date('2026-11-20T15:45:00Z');
const noAnswer = new Failure('store-failed', 'the store does not answer');
const failed = { at: slot, outcome: 'failed', evidence: { reason: 'a fault' } } as const;

/** A store in memory that all daemons share, and a disk of our own. */
function workshop(stores: readonly ('memory' | 'disk')[] = ['memory']): Workshop {
  return openWorkshop({ stores });
}

function act(
  work: Workshop,
  order: Partial<BackupOrder> = {},
  ending = signal,
): Promise<BackupReport> {
  const asked = { trigger: 'schedule', slot, attempt: 1, skipUnchangedMs: 0 } as const;
  const shelves = work.deps.shelves.map((shelf) => {
    return { ...shelf, shared: shelf.store.name === 'memory' };
  });
  const deps = { ...work.deps, shelves };
  return takeNeededBackup({ ...asked, unlessAnswered: true, ...order }, deps, { signal: ending });
}

/** A backup that another daemon has put into the shared store. */
async function neighbour(work: Workshop, changes: Partial<Manifest> = {}): Promise<Manifest> {
  return work.place({ slot, host: 'etcd-2', ...changes });
}

describe.concurrent('a slot that another daemon has answered', () => {
  test('needs no backup, and the store is read for what it holds', async () => {
    await using work = workshop();
    const { id } = await neighbour(work);
    work.pass(1000);

    const report = await act(work);

    expect(report).toEqual({ result: 'answered', id, failures: new Map() });
    expect(work.of('slot-answered')).toEqual([
      { kind: 'slot-answered', slot, store: 'memory', id, host: 'etcd-2' },
    ]);
    expect(work.of('catalog-read')).toMatchObject([{ store: 'memory', newest: { id } }]);
    expect(work.cluster.calls.map(({ method }) => method)).toEqual(['survey']);
    expect(await work.listed('memory')).toHaveLength(1);
  });

  test('still needs a backup of our own on the disk that is not shared, and there only', async () => {
    await using work = workshop(['memory', 'disk']);
    const { id } = await neighbour(work);
    work.pass(1000);

    const report = await act(work);

    expect(report.result).toBe('success');
    expect((await work.listed('disk')).map((backup) => backup.id)).toEqual([id, report.id]);
    expect((await work.listed('memory')).map((backup) => backup.id)).toEqual([id]);
  });

  test('needs no backup from who was held up until after the next slot', async () => {
    await using work = workshop();
    work.pass(2 * hourMs);
    const { id } = await neighbour(work, { slot: new Date(slot.getTime() + hourMs) });

    expect(await act(work)).toMatchObject({ result: 'answered', id });
  });
});

describe.concurrent('a backup is taken all the same where', () => {
  test.each<[string, (work: Workshop) => unknown]>([
    ['the store holds none', () => undefined],
    ['it is of an earlier slot', (work) => neighbour(work, { slot: new Date(+slot - hourMs) })],
    [
      'it is of a slot still to come',
      (work) => neighbour(work, { slot: new Date(+slot + hourMs) }),
    ],
    ['a person asked for it', (work) => neighbour(work, { slot: null })],
    [
      'it is not proved',
      async (work) => {
        const { id } = await neighbour(work);
        const edit = (now: Manifest) => ({ ...now, proofs: { ...now.proofs, stored: failed } });
        await work.catalog('memory').amend(id, edit, { signal });
      },
    ],
    [
      'a backup from before the slot holds more: it was dated ahead long ago',
      async (work) => {
        await neighbour(work);
        work.cluster.write({ put: '/later', value: 'more' });
        const startedAt = new Date(+slot - hourMs);
        await neighbour(work, { startedAt, slot: startedAt });
      },
    ],
    [
      'its data is gone',
      async (work) => {
        const { sealed } = await neighbour(work);
        await work.store('memory').remove(named(sealed.object), { signal });
      },
    ],
    [
      'the store cannot be read',
      async (work) => {
        await neighbour(work);
        work.store('memory').fail('list', 1, noAnswer);
      },
    ],
  ])('%s', async (_, prepare) => {
    await using work = workshop();
    await prepare(work);

    const report = await act(work);

    expect(report.result).toBe('success');
    expect(work.of('slot-answered')).toEqual([]);
    expect(work.of('backup-committed')).toMatchObject([{ store: 'memory', proved: true }]);
  });

  test('nobody vouches for what is there', async () => {
    const deps = { trust: trusting(keyPair()) };
    await using work = openWorkshop({ stores: ['memory'], deps });
    await neighbour(work);

    await act(work);

    expect(work.of('slot-answered')).toEqual([]);
    expect(work.of('backup-committed')).toHaveLength(1);
  });

  test.each<[string, Partial<BackupOrder>]>([
    ['a person asks', { trigger: 'request', slot: null, unlessAnswered: true }],
    ['the answer of others does not count', { unlessAnswered: false }],
  ])('%s', async (_, order) => {
    await using work = workshop();
    await neighbour(work);

    const report = await act(work, order);

    expect(report.result).toBe('success');
    expect(await work.listed('memory')).toHaveLength(2);
  });
});

describe('a shared store that hangs', () => {
  afterEach(() => void vi.useRealTimers());

  test('is waited for half a minute, told, and given a backup', async () => {
    await using work = workshop();
    await neighbour(work);
    work.store('memory').stall('list', 1);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let report: BackupReport | undefined;
    const acting = act(work).then((done) => {
      report = done;
    });

    await vi.advanceTimersByTimeAsync(29_999);
    expect(report).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    vi.useRealTimers();
    await acting;

    expect(report?.result).toBe('success');
    expect(work.of('catalog-unreadable')).toMatchObject([{ failure: { code: 'timed-out' } }]);
  });

  test('does not hold up a stop', async () => {
    await using work = workshop();
    await neighbour(work);
    work.store('memory').stall('list', 1);
    const stop = new AbortController();
    const acting = act(work, {}, stop.signal);
    const stopped = new Failure('stopped', 'the daemon is stopping');

    stop.abort(stopped);

    await expect(acting).rejects.toBe(stopped);
    expect(work.of('catalog-unreadable')).toEqual([]);
    expect(work.of('backup-committed')).toEqual([]);
  });
});

test('the turn is that of the local member among those that the cluster names', async () => {
  await using work = workshop();
  work.cluster.member('m3').down = true;

  const turn = await drawTurn(slot, work.deps, signal);

  expect(turn).toEqual({ rank: 0, of: 3 });
});
