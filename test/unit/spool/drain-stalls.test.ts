/** Drains in which the stream, the disk or whoever asked for them gives up. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { drain } from '../../../src/spool/drain.ts';
import { SpoolFile } from '../../../src/spool/file.ts';
import { canMount, disk, MiB, spoolFile, stuckDisk } from './disks.ts';
import { drainFrom, messagesOf, Script, silence, snapshotFile } from './streams.ts';
import { wrongAt } from './told-bytes.ts';

describe('the watchdog', () => {
  const snapshot = snapshotFile(64 * 1024);
  const messages = messagesOf(snapshot, { blobBytes: 4096 });

  test('gives up a stream that brings no byte', async () => {
    await using made = await spoolFile();
    const script = new Script(messages.slice(0, 3), silence);

    await expect(drainFrom(script, made.file, { stallTimeoutMs: 50 })).rejects.toMatchObject({
      code: 'stream-stalled',
      message: expect.stringMatching(/^no byte of the snapshot for .+, after 12288 bytes$/),
    });
    expect(script.isLeft).toBe(true);
  });

  test('gives up a stream that never begins', async () => {
    await using made = await spoolFile();

    const drained = drainFrom(new Script([], silence), made.file, { stallTimeoutMs: 50 });

    await expect(drained).rejects.toMatchObject({ code: 'stream-stalled' });
  });

  test('has patience with a stream that is slow but comes', async () => {
    await using made = await spoolFile();
    const stallTimeoutMs = 200;
    const slow = async function* () {
      for (const next of messages) {
        await wait(20);
        yield next;
      }
    };
    const startedMs = performance.now();
    const { signal } = new AbortController();

    const drained = await drain({
      open: slow,
      file: made.file,
      signal,
      stallTimeoutMs,
      onProgress: () => undefined,
    });

    expect(drained.databaseBytes).toBe(64 * 1024);
    expect(performance.now() - startedMs).toBeGreaterThan(stallTimeoutMs);
  });

  test('blames the disk when that takes no byte', async () => {
    await using made = await spoolFile();
    const { file } = made;
    await using _stuck = stuckDisk();
    const script = new Script(messagesOf(snapshotFile(9 * MiB), {}));

    await expect(drainFrom(script, file, { stallTimeoutMs: 50 })).rejects.toMatchObject({
      code: 'spool-failed',
      message: expect.stringMatching(/^cannot write .+: the disk took no byte for .+, after 0 /),
    });
    expect([script.isLeft, script.taken]).toEqual([true, 257]);
  });
});

describe('the disk of the spool', () => {
  test.skipIf(!canMount())('ends the drain, and the stream with it, when it is full', async () => {
    using small = disk('tmpfs', 4 * MiB);
    await using file = await SpoolFile.create(join(small.path, 'file'));
    const script = new Script(messagesOf(snapshotFile(24 * MiB), {}));

    await expect(drainFrom(script, file)).rejects.toMatchObject({ code: 'spool-full' });

    expect(script.isLeft).toBe(true);
    expect(script.taken).toBeLessThan(24 * 32);
  });

  test('that stops answering lets an abort through', async () => {
    await using made = await spoolFile();
    await using _stuck = stuckDisk();
    const ending = new AbortController();
    const reason = new Error('a second signal');
    const script = new Script(messagesOf(snapshotFile(3 * MiB), {}), async () => {
      process.nextTick(() => ending.abort(reason));
    });

    const drained = drainFrom(script, made.file, { signal: ending.signal });

    await expect(drained).rejects.toBe(reason);
    expect(script.taken).toBe(3 * 32 + 1);
  });

  test('has what the drain had appended when the member broke off', async () => {
    await using made = await spoolFile();
    const messages = messagesOf(snapshotFile(9 * MiB), {}).slice(0, 200);
    const fault = new Failure('stream-broken', 'the connection was reset');

    const drained = drainFrom(new Script(messages, () => Promise.reject(fault)), made.file);

    await expect(drained).rejects.toBe(fault);
    await made.file.flush();
    expect(made.file.sizeBytes).toBe(200 * 32 * 1024);
    expect(wrongAt(readFileSync(made.file.path))).toBe(undefined);
  });
});
