/** Stored copies that are read night by night; what cannot be read is not called damaged. */
import { describe, expect, test } from 'vitest';
import { Failure, toFailure } from '../../../src/core/errors.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { manifestName } from '../../../src/core/names.ts';
import { isDamaged, lastRead } from '../../../src/core/reading.ts';
import { attempt } from '../../../src/store/file-failures.ts';
import { named, putBytes } from '../../contract/store-bodies.ts';
import { manifestIn, scrub, stocked, told } from './scrubbing.ts';
import { hourMs, signal } from './workshop.ts';

describe.concurrent('a scrub of whole copies', () => {
  test('reads each to its end, and the manifest remembers', async () => {
    await using stock = await stocked();
    const { work, older } = stock;

    const report = await scrub(work);

    expect(report).toMatchObject({ result: 'clean', dead: [] });
    expect(told(report)).toEqual([
      'disk 0001 passed',
      'disk 0002 passed',
      'memory 0001 passed',
      'memory 0002 passed',
    ]);
    expect(lastRead(await manifestIn(work, 'disk', older))).toEqual(work.deps.now());
    expect(work.of('scrub-started')).toMatchObject([{ stores: ['memory', 'disk'], copies: 4 }]);
    expect(work.of('backup-verified')).toHaveLength(4);
    const end = { result: 'clean', read: 4, damaged: 0, repaired: 0, unread: 0 };
    expect(work.of('scrub-finished')).toMatchObject([end]);
    const { doneBytes, totalBytes } = work.of('scrub-advanced').at(-1) ?? expect.unreachable();
    expect([doneBytes, totalBytes]).toEqual([48, 48]);
  });

  test('reads only what its pace asks for', async () => {
    await using stock = await stocked();
    const { work, newer } = stock;
    const pace = { since: work.deps.now(), withinMs: 720 * hourMs, periodMs: 24 * hourMs };
    await scrub(work);
    const reads = work.of('backup-verified').length;
    work.pass(20 * hourMs);

    const report = await scrub(work, { pace: { ...pace, since: work.deps.now() } });

    // The newest, which is more than a share already.
    expect(told(report)).toEqual(['disk 0002 passed', 'memory 0002 passed']);
    expect(
      work
        .of('backup-verified')
        .slice(reads)
        .map(({ id }) => id),
    ).toEqual([newer.id, newer.id]);
  });

  test('is confined to one store, and to the own cluster', async () => {
    await using stock = await stocked();
    const { work } = stock;
    const stranger = '00000000000000aa' as Manifest['cluster']['id'];
    const foreign = await work.place({ cluster: { id: stranger, name: 'another' } }, stranger);
    const broken = manifestName(stranger, foreign.id).replace('-0003', '-9999');
    await putBytes(work.store('disk'), broken, 'no manifest');

    const report = await scrub(work, { store: 'disk' });
    const named = await scrub(work, { cluster: stranger, repair: false });

    expect(told(report)).toEqual(['disk 0001 passed', 'disk 0002 passed']);
    expect(told(named)).toEqual(['disk 0003 passed', 'disk 9999 damaged', 'memory 0003 passed']);
    await expect(scrub(work, { store: 'tape' })).rejects.toMatchObject({ code: 'usage' });
  });

  test('leaves out what another daemon has read meanwhile', async () => {
    await using stock = await stocked();
    const { work, newer } = stock;
    const stored = {
      at: work.deps.now(),
      outcome: 'passed' as const,
      evidence: { compared: 'read back' },
    };
    const judge = (now: Manifest) => ({ ...now, proofs: { ...now.proofs, stored } });
    work.on = ({ kind }) => {
      // Before the verdict about the first copy, which waits for its turn to be written.
      if (kind === 'scrub-started') void work.catalog('disk').amend(newer.id, judge, { signal });
    };

    const report = await scrub(work, { store: 'disk' });

    expect(told(report)).toEqual(['disk 0001 passed']);
    expect(report.result).toBe('clean');
  });

  test('ends when it is aborted, and the next one goes on', async () => {
    await using stock = await stocked();
    const { work } = stock;
    const stop = new AbortController();
    const reason = new Failure('stopped', 'a backup is due');
    work.on = ({ kind }) => {
      if (kind === 'backup-verified') stop.abort(reason);
    };
    const pace = { since: work.deps.now(), withinMs: 0, periodMs: hourMs };

    await expect(scrub(work, { pace, store: 'disk' }, stop.signal)).rejects.toBe(reason);
    expect(work.of('scrub-finished')).toEqual([]);
    const report = await scrub(work, { pace, store: 'disk' });

    expect(told(report)).toEqual(['disk 0002 passed']);
  });
});

/** What a file store says when its disk has a bad sector. */
async function badSector(): Promise<Failure> {
  const sector = (): Promise<never> => {
    throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
  };
  const at = { name: 'disk', kind: 'file', root: '/store' } as const;
  return toFailure(await attempt(at, 'read', '/store/a.db', sector).catch((error) => error));
}

describe.concurrent('a copy that cannot be read', () => {
  test('is not called damaged, and nothing is written over it', async () => {
    await using stock = await stocked();
    const { work, older } = stock;
    const before = await manifestIn(work, 'disk', older);
    work.store('disk').refuse('get', await badSector(), named(older.sealed.object));

    const report = await scrub(work);

    expect(report.result).toBe('unread');
    expect(told(report)).toContain('disk 0001 unread');
    expect(told(report)).toContain('disk 0002 passed');
    expect(await manifestIn(work, 'disk', older)).toEqual(before);
    expect(work.of('backup-damaged')).toEqual([]);
    expect(work.of('backup-copied')).toEqual([]);
    expect(work.of('backup-unread')).toMatchObject([
      { id: older.id, failure: { message: expect.stringContaining('the disk reports an error') } },
    ]);
  });

  test('in a store that died is the last one that is asked for there', async () => {
    await using stock = await stocked();
    const { work } = stock;
    const down = new Failure('store-denied', 'nobody may enter');
    work.on = ({ kind }) => {
      if (kind !== 'scrub-started') return;
      for (const method of ['get', 'stat', 'list'] as const)
        work.store('disk').refuse(method, down);
    };

    const report = await scrub(work);

    expect(report.result).toBe('unread');
    expect(told(report)).toEqual(['disk 0001 unread', 'memory 0001 passed', 'memory 0002 passed']);
    expect(report.dead).toEqual([{ store: 'disk', failure: down }]);
    expect(work.of('catalog-unreadable')).toMatchObject([{ store: 'disk' }]);
  });

  test('in a store that was dead before keeps no other store from being read', async () => {
    await using stock = await stocked();
    const { work } = stock;
    work.store('disk').refuse('list', new Failure('store-denied', 'nobody may enter'));

    const report = await scrub(work);

    expect(report.result).toBe('unread');
    expect(told(report)).toEqual(['memory 0001 passed', 'memory 0002 passed']);
    expect(report.dead).toMatchObject([{ store: 'disk' }]);
  });

  test('is no source of a repair', async () => {
    await using stock = await stocked();
    const { work, older } = stock;
    work.store('disk').flip(3, 'every-read', named(older.sealed.object));
    const denied = new Failure('store-denied', 'nobody may read it');
    work.store('memory').refuse('get', denied, named(older.sealed.object));

    const report = await scrub(work);

    expect(told(report)).toContain('disk 0001 damaged');
    expect(work.of('repair-failed')).toMatchObject([
      { store: 'disk', failure: { message: expect.stringContaining(denied.message) } },
    ]);
    expect(isDamaged(await manifestIn(work, 'disk', older))).toBe(true);
  });
});
