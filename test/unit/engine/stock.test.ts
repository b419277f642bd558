/** What is told of a store: the metrics and the alerts live on it. */
import { describe, expect, test } from 'vitest';
import { objectName } from '../../../src/core/names.ts';
import { takeStock } from '../../../src/engine/stock.ts';
import { putBytes } from '../../contract/store-bodies.ts';
import { sampleManifest } from '../core/sample-manifest.ts';
import { hourMs, openWorkshop, signal, type Workshop } from './workshop.ts';

async function told(work: Workshop) {
  await takeStock(work.catalog('memory'), work.deps, signal);
  const [read] = work.of('catalog-read');
  return read;
}

describe.concurrent('the stock of a store', () => {
  test('is its backups, their bytes, and the newest of them', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    const first = await work.place();
    work.pass(hourMs);
    const second = await work.place();

    expect(await told(work)).toMatchObject({
      store: 'memory',
      backups: 2,
      storedBytes: first.sealed.sizeBytes + second.sealed.sizeBytes,
      faults: 0,
      newest: { id: second.id, startedAt: second.startedAt, revision: 43n },
    });
  });

  test('has no newest where there is nothing', async () => {
    await using work = openWorkshop({ stores: ['memory'] });

    expect(await told(work)).toMatchObject({ backups: 0, storedBytes: 0, newest: null });
  });

  test('counts what is damaged, and knows which copy was read the longest ago', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    const at = work.deps.now();
    const stored = { at, outcome: 'passed', evidence: { compared: 'read back' } } as const;
    const wrong = { at, outcome: 'failed', evidence: { reason: 'other bytes' } } as const;
    const { proofs } = sampleManifest();
    await work.place({ proofs: { ...proofs, stored } });
    work.pass(hourMs);
    const linked = { at: work.deps.now(), outcome: 'passed', evidence: {} } as const;
    await work.place({ proofs: { ...proofs, stored: linked } });
    expect(await told(work)).toMatchObject({ damaged: 0, oldestRead: at });

    await work.place({ proofs: { ...proofs, stored: wrong } });
    const { sealed } = await work.place();
    await work.store('memory').remove(objectName(sealed.object), { signal });
    await takeStock(work.catalog('memory'), work.deps, signal);

    expect(work.of('catalog-read')[1]).toMatchObject({ backups: 3, faults: 1, damaged: 2 });
  });

  test('does not call a backup the newest that other members contradict', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    const { id } = await work.place();
    work.pass(hourMs);
    const { proofs } = sampleManifest();
    const agreed = { at: work.deps.now(), outcome: 'failed', evidence: {} } as const;
    await work.place({ proofs: { ...proofs, agreed } });

    expect(await told(work)).toMatchObject({ backups: 2, newest: { id } });
  });

  test('does not call a backup the newest that a wrong clock dated into the future', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    const minuteMs = 60_000;
    const { id } = await work.place();
    const startedAt = new Date(work.deps.now().getTime() + 6 * minuteMs);
    const ahead = await work.place({ startedAt });

    const early = await told(work);
    work.pass(minuteMs);
    await takeStock(work.catalog('memory'), work.deps, signal);

    // Clocks of two hosts may differ by five minutes.
    expect(early).toMatchObject({ backups: 2, newest: { id } });
    expect(work.of('catalog-read')[1]).toMatchObject({ newest: { id: ahead.id } });
  });

  test('names each manifest that cannot be believed', async () => {
    await using work = openWorkshop({ stores: ['memory'] });
    const { id } = await work.place();
    const object = `${work.cluster.id}/${id}.json`;
    await putBytes(work.store('memory'), object, 'no manifest');

    expect(await told(work)).toMatchObject({ backups: 0, faults: 1, newest: null });

    expect(work.of('manifest-rejected')).toMatchObject([
      { store: 'memory', object, failure: { code: 'manifest-invalid' } },
    ]);
  });
});
