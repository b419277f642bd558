/** What a prover leaves behind. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { SpoolFile } from '../../../src/spool/file.ts';
import { startProver } from '../../../src/spool/prover.ts';
import { folder, MiB } from './disks.ts';
import { appendAll, largeFile, placed, smallFile } from './proved-files.ts';

/** What is told of each entry of a folder of this process; entries come and go meanwhile. */
function own(folderName: string, tell: (path: string) => string): string[] {
  const path = join('/proc/self', folderName);
  return readdirSync(path).flatMap((name) => {
    try {
      return [tell(join(path, name))];
    } catch {
      return [];
    }
  });
}

/** How often this process has the file open, in whatever thread. */
function openings(path: string): number {
  return own('fd', (entry) => readlinkSync(entry)).filter((link) => link === path).length;
}

/** How many threads with JavaScript this process has beside its own. */
function threads(): number {
  const names = own('task', (entry) => readFileSync(join(entry, 'comm'), 'utf8').trim());
  return names.filter((name) => name === 'WorkerThread').length;
}

describe('a prover that is disposed', () => {
  test('before it has begun leaves no thread and no open file', async () => {
    using place = folder();
    const path = placed(place, largeFile);
    const before = threads();

    const prover = startProver({ path });
    prover.advance(largeFile.length);
    await prover[Symbol.asyncDispose]();

    expect([threads(), openings(path)]).toEqual([before, 0]);
  });

  test('at work ends it, and fails what was asked of it', async () => {
    using place = folder();
    const path = placed(place, largeFile);
    const before = threads();
    const prover = startProver({ path });
    while (openings(path) === 0) await setImmediate();

    const asked = prover.finish(largeFile.length);
    const failed = expect(asked).rejects.toMatchObject({
      code: 'internal',
      message: 'the proving thread broke: it ended with 1',
    });
    await prover[Symbol.asyncDispose]();
    await failed;

    expect([threads(), openings(path)]).toEqual([before, 0]);
  });

  test('after its proof leaves no thread and no open file', async () => {
    using place = folder();
    await using file = await SpoolFile.create(join(place.path, 'file'));
    await appendAll(file, largeFile, MiB);
    const before = { threads: threads(), openings: openings(file.path) };

    const prover = startProver(file);
    await prover.finish(largeFile.length);
    expect(threads()).toBe(before.threads + 1);
    expect(openings(file.path)).toBeGreaterThan(before.openings);
    await prover[Symbol.asyncDispose]();

    expect({ threads: threads(), openings: openings(file.path) }).toEqual(before);
  });

  test('fails who waits for it', async () => {
    using place = folder();
    const prover = startProver({ path: placed(place, largeFile) });
    for (const sizeBytes of [4 * MiB, 8 * MiB, 12 * MiB]) prover.advance(sizeBytes);

    const waiting = expect(prover.caughtUp(new AbortController().signal)).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/^the proving thread broke: it ended with \d$/),
    });
    await prover[Symbol.asyncDispose]();

    await waiting;
  });

  test('answers nobody any more', async () => {
    using place = folder();
    const prover = startProver({ path: placed(place, smallFile) });
    await prover[Symbol.asyncDispose]();

    await expect(prover.finish(smallFile.length)).rejects.toMatchObject({ code: 'internal' });
    await prover[Symbol.asyncDispose]();
  });
});
