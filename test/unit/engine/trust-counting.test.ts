/** Where keys are trusted, what somebody else put into a store counts for nothing. */
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../../../src/core/manifest.ts';
import { vouchedFor } from '../../../src/core/manifest-core.ts';
import { identifyCluster } from '../../../src/engine/identify.ts';
import { lastSuccess } from '../../../src/engine/prepare.ts';
import { pruneShelf } from '../../../src/engine/prune.ts';
import { takeStock } from '../../../src/engine/stock.ts';
import { keyPair, signing, trusting } from '../../support/signing.ts';
import { overwrite } from './trust-roads.ts';
import { hourMs, openWorkshop, signal, type Workshop, type WorkshopOptions } from './workshop.ts';

const mine = keyPair();
const deps = { trust: signing(mine) };

function workshop(options: WorkshopOptions = {}): Workshop {
  return openWorkshop({ stores: ['memory'], deps, ...options });
}

/** One that looks like a backup of this moment, put there by who has no key. */
async function forge(work: Workshop): Promise<Manifest> {
  work.pass(hourMs);
  return await work.place();
}

/** A backup without its snapshot, signed. */
async function placeSigned(work: Workshop): Promise<Manifest> {
  work.pass(hourMs);
  const placed = await work.place();
  const vouchers = { signer: mine.secret, macKey: null };
  await overwrite(work, placed.id, (manifest) => vouchedFor(manifest, vouchers));
  return placed;
}

describe.concurrent('a backup that nobody vouches for', () => {
  test('does not make the newest backup look young', async () => {
    await using work = workshop();
    const { id } = await work.backup();
    const forged = await forge(work);

    await takeStock(work.catalog('memory'), work.deps, signal);

    const told = work.of('catalog-read').at(-1);
    expect(told).toMatchObject({ backups: 2, newest: { id } });
    expect(told?.proofs.restored).toBeUndefined();
    expect(await lastSuccess(work.deps, signal)).not.toEqual(forged.startedAt);
    expect(await lastSuccess({ ...work.deps, trust: trusting() }, signal)).toEqual(
      forged.startedAt,
    );
  });

  test('does not keep a run from taking a backup', async () => {
    await using work = workshop();
    await forge(work);

    const { result } = await work.backup({ skipUnchangedMs: 24 * hourMs });

    expect(result).toBe('success');
  });

  test('does not tell which cluster this is', async () => {
    await using work = workshop();
    await forge(work);
    for (const member of work.cluster.members) member.down = true;

    expect(await identifyCluster(work.deps, signal)).toBeUndefined();
    expect(await identifyCluster({ ...work.deps, trust: trusting() }, signal)).toBe(
      work.cluster.id,
    );
  });

  test('never pushes out one that somebody vouches for, however many there are', async () => {
    await using work = workshop({ retention: { keepLast: 2 } });
    const good = [await placeSigned(work), await placeSigned(work)];
    const forged = [await forge(work), await forge(work), await forge(work)];

    await pruneShelf(work.deps.shelves[0]!, work.cluster.id, work.deps, signal);

    const kept = (await work.listed('memory')).map(({ id }) => id);
    expect(kept).toEqual([...good, ...forged.slice(1)].map(({ id }) => id));
  });

  test('from before the first signature goes when the rules say so, and not at once', async () => {
    await using work = workshop({ retention: { keepLast: 3 } });
    const old = [await forge(work), await forge(work), await forge(work)];
    const good = await placeSigned(work);

    await pruneShelf(work.deps.shelves[0]!, work.cluster.id, work.deps, signal);

    const kept = (await work.listed('memory')).map(({ id }) => id);
    expect(kept).toEqual([...old.slice(1), good].map(({ id }) => id));
  });
});
