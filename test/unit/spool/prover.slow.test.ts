import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { revision } from '../../../src/core/backup.ts';
import { SpoolFile } from '../../../src/spool/file.ts';
import { type Prover, startProver } from '../../../src/spool/prover.ts';
import { withTrailer } from '../../support/bbolt.ts';
import { hashKvOf, historyOf } from '../format/history.ts';
import { type Folder, folder, MiB } from './disks.ts';
import {
  appendAll,
  databaseOf,
  expected,
  largeFile,
  pageSize,
  placed,
  small,
  smallFile,
  writes,
} from './proved-files.ts';

/** The proof of a finished file of these bytes. */
async function prove(bytes: Uint8Array, ask: (prover: Prover) => Promise<void>): Promise<void> {
  using place = folder();
  await using prover = startProver({ path: placed(place, bytes) });
  await ask(prover);
}

describe('a proof', () => {
  test.each([
    ['less than the ring', smallFile, 1000],
    ['more than the ring', largeFile, 100_001],
    ['more than the ring, in one piece', largeFile, largeFile.length],
  ])('that follows a growing file finds what is in it: %s', async (_, bytes, pieceBytes) => {
    using place = folder();
    await using file = await SpoolFile.create(join(place.path, 'file'));
    await using prover = startProver(file);
    file.onAdvance = (takenBytes) => prover.advance(takenBytes);

    await appendAll(file, bytes, pieceBytes);

    expect(await prover.finish(bytes.length)).toEqual(expected(bytes));
  });

  test('that comes after the end finds the same, with the ring and without', async () => {
    using place = folder();
    await using file = await SpoolFile.create(join(place.path, 'file'));
    await appendAll(file, largeFile, MiB);

    await using late = startProver(file);
    await using plain = startProver({ path: file.path });

    const right = expected(largeFile);
    expect(await late.finish(largeFile.length)).toEqual(right);
    expect(await plain.finish(largeFile.length)).toEqual(right);
  });

  test('that is waited for reads all that is new from the ring, and nothing from the disk', async () => {
    using place = folder();
    await using file = await SpoolFile.create(join(place.path, 'file'));
    // Whatever it read here would be wrong.
    const path = placed(place, Buffer.alloc(largeFile.length));
    await using prover = startProver({ path, ring: file.ring });
    file.onAdvance = (takenBytes) => prover.advance(takenBytes);

    for (let at = 0; at < largeFile.length; at += MiB) {
      await file.append([largeFile.subarray(at, at + MiB)]);
      await prover.caughtUp(new AbortController().signal);
    }
    await file.flush();
    // Answers come in order: behind this one everything was followed.
    await prover.hashKv({ revision: revision(1n), compactRevision: null }).catch(() => undefined);
    writeFileSync(path, largeFile);

    expect(await prover.finish(largeFile.length)).toEqual(expected(largeFile));
  });

  test('is waited for no longer than its signal', async () => {
    using place = folder();
    await using prover = startProver({ path: placed(place, largeFile) });
    const abort = new AbortController();
    for (const sizeBytes of [4 * MiB, 8 * MiB, 12 * MiB]) prover.advance(sizeBytes);

    const waiting = prover.caughtUp(abort.signal);
    abort.abort(new Error('enough'));

    await expect(waiting).rejects.toThrow('enough');
    await expect(prover.caughtUp(abort.signal)).rejects.toThrow('enough');
  });

  test.each(smallDamages())('names the fault: %s', async (_, bytes, fault) => {
    await prove(bytes, async (prover) => {
      await expect(prover.finish(bytes.length)).rejects.toMatchObject({
        code: 'snapshot-corrupt',
        ...fault,
      });
    });
  });

  test('tells a fault that it met while it followed with whatever is asked next', async () => {
    using place = folder();
    await using prover = startProver({ path: placed(place, smallFile.subarray(0, 20_000)) });
    const fault = {
      code: 'snapshot-corrupt',
      message: 'the file ends at byte 20000, where more was announced',
      context: { endsAt: 20_000 },
    };

    prover.advance(2 * MiB);
    prover.advance(3 * MiB);

    const hash = prover.hashKv({ revision: revision(2n), compactRevision: null });
    await expect(hash).rejects.toMatchObject(fault);
    placed(place, smallFile);
    await expect(prover.finish(smallFile.length)).rejects.toMatchObject(fault);
  });

  test('fails plainly where there is no file', async () => {
    await using prover = startProver({ path: '/nowhere/at/all' });

    await expect(prover.finish(1024)).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/^the proving thread broke: ENOENT/),
    });
  });
});

function smallDamages(): [string, Buffer, { message: unknown; context?: unknown }][] {
  const leaf = small.leaves['key']?.[3] as number;
  const zeroed = Buffer.from(small.bytes).fill(0, leaf * pageSize, (leaf + 1) * pageSize);
  const flipped = Buffer.from(smallFile);
  flipped.writeUInt8(flipped.readUInt8(leaf * pageSize + 3000) ^ 1, leaf * pageSize + 3000);
  return [
    [
      'a leaf that is no page',
      withTrailer(zeroed),
      { message: `page ${leaf}: calls itself page 0`, context: { page: leaf, found: 0 } },
    ],
    [
      'one bit, which the digest at the end tells',
      flipped,
      { message: 'the SHA-256 at the end of the file is not that of its content' },
    ],
    [
      'a file that lacks its end',
      withTrailer(small.bytes.subarray(0, -pageSize)),
      { message: expect.stringContaining('the file is cut: its meta counts') },
    ],
  ];
}

describe('the content hash of a proved file', () => {
  const newest = revision(401n);
  const rows = historyOf(writes(400, 60));
  let place: Folder;
  let prover: Prover;
  beforeAll(async () => {
    place = folder();
    prover = startProver({ path: placed(place, smallFile) });
    await prover.finish(smallFile.length);
  });
  afterAll(async () => {
    await prover[Symbol.asyncDispose]();
    place[Symbol.dispose]();
  });

  test('is that of its history, at every point asked for', async () => {
    const points = [
      { revision: newest, compactRevision: null },
      { revision: revision(100n), compactRevision: null },
      { revision: newest, compactRevision: revision(300n) },
      { revision: revision(250n), compactRevision: revision(250n) },
    ];

    const hashes = await Promise.all(points.map((point) => prover.hashKv(point)));

    const right = points.map((at) => hashKvOf(rows, at.revision, at.compactRevision));
    expect(hashes).toEqual(right);
    expect(new Set(right).size).toBe(4);
  });

  test('is refused where the file cannot know it, and given where it can', async () => {
    const beyond = prover.hashKv({ revision: revision(402n), compactRevision: null });

    await expect(beyond).rejects.toMatchObject({
      code: 'revision-unavailable',
      message: 'no content hash at revision 402: the file ends at revision 401',
      context: { revision: 402n, compactRevision: null, currentRevision: 401n },
    });
    const within = prover.hashKv({ revision: revision(399n), compactRevision: null });
    expect(await within).toBe(hashKvOf(rows, 399n, null));
  });

  test('is computed once for all who ask the same', async () => {
    const at = { revision: revision(200n), compactRevision: null };

    const [first, same] = [at, { ...at }].map((point) => prover.hashKv(point));

    expect(same).toBe(first);
    expect(await first).toBe(hashKvOf(rows, 200n, null));
  });

  test('is another for one other value', async () => {
    const other = writes(400, 60).with(7, [{ put: 'key-7', value: 'x'.repeat(60) }]);
    const bytes = withTrailer(databaseOf(other).bytes);
    const at = { revision: newest, compactRevision: null };
    await prove(bytes, async (second) => {
      expect((await second.finish(bytes.length)).facts.revision).toBe(newest);

      expect(await second.hashKv(at)).not.toBe(await prover.hashKv(at));
    });
  });

  test('is not given before the proof', async () => {
    await prove(smallFile, async (fresh) => {
      const asked = fresh.hashKv({ revision: newest, compactRevision: null });

      await expect(asked).rejects.toMatchObject({
        code: 'internal',
        message: 'a hash was asked before the end',
      });
    });
  });
});
