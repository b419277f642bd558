/** Stored copies, read back and judged. */
import { describe, expect, test } from 'vitest';
import type { BackupId } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import { isProved, type Manifest } from '../../../src/core/manifest.ts';
import { composeBackupId, dataName } from '../../../src/core/names.ts';
import { type Verified, verifyBackup } from '../../../src/engine/verify.ts';
import type { ProvableFile, Prover } from '../../../src/spool/prover.ts';
import { named, putBytes, readBytes } from '../../contract/store-bodies.ts';
import { inlineProver } from '../../support/inline-prover.ts';
import { hourMs, openWorkshop, signal, type Workshop } from './workshop.ts';

const stores = ['memory'] as const;

function verify(work: Workshop, id: BackupId, deep = false): Promise<Verified> {
  return verifyBackup(work.catalog('memory'), id, work.deps, { deep, signal });
}

async function newest(work: Workshop): Promise<Manifest> {
  const manifest = (await work.listed('memory')).at(-1);
  if (manifest === undefined) throw new Error('there is no backup');
  return manifest;
}

/** A backup of a real snapshot, an hour old. */
async function taken(): Promise<{ work: Workshop; id: BackupId } & AsyncDisposable> {
  const work = openWorkshop({ stores });
  const { id } = await work.backup();
  work.pass(hourMs);
  return { work, id, [Symbol.asyncDispose]: () => work[Symbol.asyncDispose]() };
}

/** The same snapshot under another id, described with `changes`. */
async function describedAs(work: Workshop, changes: Partial<Manifest>): Promise<BackupId> {
  const manifest = await newest(work);
  const bytes = await readBytes(work.store('memory'), manifest.sealed.object);
  const id = composeBackupId(manifest.startedAt, manifest.revision, 'copy');
  const sealed = { ...manifest.sealed, object: dataName(work.cluster.id, id) };
  await putBytes(work.store('memory'), sealed.object, bytes);
  await work.catalog('memory').commit({ ...manifest, id, sealed, ...changes }, { signal });
  return id;
}

describe.concurrent.for(['shallow', 'deep'])('a %s verification', (depth) => {
  const deep = depth === 'deep';

  test('of a whole copy passes, and the manifest says when', async () => {
    await using backup = await taken();
    const { work, id } = backup;

    const verified = await verify(work, id, deep);

    expect(verified).toEqual({ id, outcome: 'passed', failure: undefined });
    const { proofs } = await newest(work);
    expect(proofs.stored).toMatchObject({ at: work.deps.now(), outcome: 'passed' });
    expect(proofs.received?.outcome).toBe('passed');
    const told = { store: 'memory', id, outcome: 'passed' };
    expect(work.of('backup-verified')).toMatchObject([told]);
    expect(work.spooled()).toEqual([]);
  });

  test.for(['a wrong bit', 'its end missing'])(
    'of a copy with %s fails, and it no longer counts',
    async (what) => {
      await using backup = await taken();
      const { work, id } = backup;
      const { sealed } = await newest(work);
      const store = work.store('memory');
      if (what === 'a wrong bit') store.flip(12_345, 'every-read', named(sealed.object));
      else store.cut('get', sealed.sizeBytes - 600);

      const { outcome, failure } = await verify(work, id, deep);
      store.heal();

      expect(outcome).toBe('failed');
      expect(failure?.code).toBe('object-damaged');
      expect(failure?.message).toMatch(
        what === 'a wrong bit' ? `not ${sealed.sha256}` : `not ${sealed.sizeBytes}`,
      );
      const manifest = await newest(work);
      expect(manifest.proofs.stored).toMatchObject({
        outcome: 'failed',
        evidence: { reason: failure?.message },
      });
      expect(isProved(manifest)).toBe(false);
      expect(work.spooled()).toEqual([]);
    },
  );

  test.runIf(deep)('goes no faster than its proof', async () => {
    await using backup = await taken();
    const { work, id } = backup;
    const broken = new Failure('internal', 'the proving thread broke');
    const prove = (file: ProvableFile): Prover => ({
      ...inlineProver(file),
      caughtUp: () => Promise.reject(broken),
    });

    const verified = verifyBackup(
      work.catalog('memory'),
      id,
      { ...work.deps, prove },
      { deep, signal },
    );

    await expect(verified).rejects.toBe(broken);
    expect(work.spooled()).toEqual([]);
  });

  test('takes a bad verdict back when the copy is whole again', async () => {
    await using backup = await taken();
    const { work, id } = backup;
    const { sealed } = await newest(work);
    work.store('memory').flip(77, 'every-read', named(sealed.object));
    await verify(work, id, deep);
    work.store('memory').heal();

    const { outcome } = await verify(work, id, deep);

    expect(outcome).toBe('passed');
    expect(isProved(await newest(work))).toBe(true);
  });

  test('of bytes that came out wrong once reads again, and passes', async () => {
    await using backup = await taken();
    const { work, id } = backup;
    const { sealed } = await newest(work);
    work.store('memory').flip(12_345, 'first-read', named(sealed.object));

    const { outcome } = await verify(work, id, deep);

    expect(outcome).toBe('passed');
    expect(work.of('backup-misread')).toMatchObject([
      { store: 'memory', id, failure: { code: 'object-damaged' } },
    ]);
    expect(isProved(await newest(work))).toBe(true);
    expect(work.spooled()).toEqual([]);
  });

  test('of bytes that differ at each reading judges nothing', async () => {
    await using backup = await taken();
    const { work, id } = backup;
    const before = await newest(work);
    work.store('memory').flip(12_345, 'first-read', named(before.sealed.object));
    work.store('memory').flip(54_321, 'every-read', named(before.sealed.object));

    await expect(verify(work, id, deep)).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringContaining('gives other bytes at each reading'),
    });

    expect(await newest(work)).toEqual(before);
    expect(work.of('backup-verified')).toEqual([]);
  });

  test('of a store that cannot be read throws, and leaves the verdict as it was', async () => {
    await using backup = await taken();
    const { work, id } = backup;
    const before = await newest(work);
    // The first is the manifest.
    work.store('memory').fail('get', 2, new Failure('store-denied', 'no reading'));

    await expect(verify(work, id, deep)).rejects.toMatchObject({ code: 'store-denied' });

    expect(await newest(work)).toEqual(before);
    expect(work.of('backup-verified')).toEqual([]);
    expect(work.spooled()).toEqual([]);
  });

  test('goes on where a reading broke off', async () => {
    await using backup = await taken();
    const { work, id } = backup;
    work.store('memory').fail('get', 2, new Failure('store-failed', 'the line broke'));

    expect((await verify(work, id, deep)).outcome).toBe('passed');
  });

  test('of a copy that was cut is refused unread: it is no backup any more', async () => {
    await using backup = await taken();
    const { work, id } = backup;
    const { sealed } = await newest(work);
    const bytes = await readBytes(work.store('memory'), sealed.object);
    await putBytes(work.store('memory'), sealed.object, bytes.subarray(0, -600));

    await expect(verify(work, id, deep)).rejects.toMatchObject({ code: 'object-damaged' });

    const { backups, faults } = await work.catalog('memory').backups({ signal });
    expect([backups.length, faults.length]).toEqual([0, 1]);
  });

  test('of what no store has is refused', async () => {
    await using backup = await taken();
    const { work } = backup;
    const unknown = composeBackupId(
      new Date('2020-01-01T00:00:00Z'),
      (await newest(work)).revision,
    );

    await expect(verify(work, unknown, deep)).rejects.toMatchObject({ code: 'backup-missing' });
  });

  test('that is aborted judges nothing', async () => {
    await using backup = await taken();
    const { work, id } = backup;
    const before = await newest(work);
    const stop = new AbortController();
    const reason = new Error('enough');
    const options = { deep, signal: stop.signal, onProgress: () => stop.abort(reason) };

    const verified = verifyBackup(work.catalog('memory'), id, work.deps, options);

    await expect(verified).rejects.toBe(reason);

    expect(await newest(work)).toEqual(before);
    expect(work.spooled()).toEqual([]);
  });
});

describe.concurrent('only a deep verification', () => {
  test('finds a database that is none under bytes that are the right ones', async () => {
    await using work = openWorkshop({ stores });
    const { id } = await work.place();

    expect((await verify(work, id)).outcome).toBe('passed');
    const deep = await verify(work, id, true);

    expect(deep).toMatchObject({ outcome: 'failed', failure: { code: 'snapshot-corrupt' } });
  });

  test.for(['statusHash', 'keys', 'totalRows'] as const)(
    'finds a manifest that tells another %s',
    async (field) => {
      await using backup = await taken();
      const { work } = backup;
      const manifest = await newest(work);
      const id = await describedAs(work, { [field]: manifest[field] + 1 });

      expect((await verify(work, id)).outcome).toBe('passed');
      const { failure } = await verify(work, id, true);

      expect(failure).toMatchObject({ code: 'object-damaged' });
      expect(failure?.message).toContain('memory: the manifest tells another');
    },
  );

  test('finds a manifest that tells another content hash', async () => {
    await using backup = await taken();
    const { work } = backup;
    const { hashKv } = await newest(work);
    const id = await describedAs(work, { hashKv: { ...hashKv, hash: (hashKv.hash ^ 1) >>> 0 } });

    const { failure } = await verify(work, id, true);

    expect(failure?.message).toBe('memory: the manifest tells another HashKV');
  });
});
