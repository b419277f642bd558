import { createHook } from 'node:async_hooks';
import { getEventListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SnapshotMessage } from '../../../src/cluster/port.ts';
import { Failure } from '../../../src/core/errors.ts';
import { MiB, spoolFile } from './disks.ts';
import { drainFrom, message, messagesOf, Script, snapshotFile } from './streams.ts';

describe('a whole stream', () => {
  test('is in the file when it has been drained, in whatever pieces it came', async () => {
    const shape = fc.record({
      sectors: fc.integer({ min: 1, max: 6000 }),
      blobBytes: fc.integer({ min: 500, max: 3 * MiB }),
      pieceBytes: fc.integer({ min: 100, max: MiB }),
    });
    const property = fc.asyncProperty(shape, async ({ sectors, ...sizes }) => {
      await using made = await spoolFile();
      const { file } = made;
      const databaseBytes = sectors * 512;
      const snapshot = snapshotFile(databaseBytes);
      const told: [number, number][] = [];
      const onProgress = (done: number, total: number) => told.push([done, total]);

      const drained = await drainFrom(new Script(messagesOf(snapshot, sizes)), file, {
        onProgress,
      });

      const sizeBytes = databaseBytes + 32;
      expect(drained).toEqual({ sizeBytes, databaseBytes, storageVersion: undefined });
      expect(readFileSync(file.path).equals(snapshot)).toBe(true);
      expect(told.at(-1)).toEqual([sizeBytes, databaseBytes]);
      expect(new Set(told.map(([, total]) => total))).toEqual(new Set([databaseBytes]));
      expect(told.map(([done]) => done)).toEqual(told.map(([done]) => done).toSorted(ascending));
    });

    await fc.assert(property, { numRuns: 12 });
  });

  test('is hurried: a slow disk must not hold the snapshot of the member open', async () => {
    await using made = await spoolFile();

    await drainFrom(new Script(messagesOf(snapshotFile(1024), {})), made.file);

    expect(made.file.isHurried).toBe(true);
  });

  test('tells the storage version of whoever sends it', async () => {
    await using made = await spoolFile();
    const messages = messagesOf(snapshotFile(100 * 1024), {});
    const told = messages.map((one, at) => ({ ...one, version: at === 0 ? '3.6.0' : undefined }));

    const drained = await drainFrom(new Script(told), made.file);

    expect(drained.storageVersion).toBe('3.6.0');
  });

  test('leaves nothing behind: no timer, no listener, no open stream', async () => {
    await using made = await spoolFile();
    const { signal } = new AbortController();
    const script = new Script(messagesOf(snapshotFile(100 * 1024), {}));
    const timers = new Set<number>();
    let begins = true;
    const watch = createHook({
      init: (id, type) => begins && type === 'Timeout' && timers.add(id),
      destroy: (id) => timers.delete(id),
    }).enable();

    const drained = drainFrom(script, made.file, { signal });
    begins = false;
    expect(timers.size).toBe(1);
    await drained;
    await setImmediate();
    watch.disable();

    expect(timers.size).toBe(0);
    expect(getEventListeners(script.signal as AbortSignal, 'abort')).toEqual([]);
    expect([script.isLeft, script.signal?.aborted]).toEqual([true, false]);
  });
});

function ascending(a: number, b: number): number {
  return a - b;
}

describe('a stream that is not whole', () => {
  const snapshot = snapshotFile(64 * 1024);
  const [first, second, trailer] = messagesOf(snapshot, {}) as [
    SnapshotMessage,
    SnapshotMessage,
    SnapshotMessage,
  ];
  const digest = snapshot.subarray(-32);

  test.each<[string, SnapshotMessage[], string]>([
    ['has no message', [], 'the snapshot stream ended without a message'],
    ['ends early', [first], 'message 1 was the last; the stream ended at byte 32768 of 65536'],
    ['has no digest', [first, second], 'the stream ended without the SHA-256 of the snapshot'],
    [
      'has half a digest',
      [first, second, message(0, [digest.subarray(16)])],
      'snapshot message 3 has 16 bytes where the SHA-256 of 32 belongs',
    ],
    ['has two digests', [first, second, trailer, trailer], 'message 4 comes after the SHA-256'],
    [
      'brings its digest with the database',
      [first, message(0, [...second.blob, digest])],
      'snapshot message 2 reaches 32 bytes past the announced 65536',
    ],
    ['skips a message', [first, trailer], 'says that 0 bytes remain where 32736 must'],
    ['repeats a message', [first, first], 'says that 32768 bytes remain where 0 must'],
    ['goes on without bytes', [first, message(32_768, [])], 'brings no bytes while 32768 remain'],
    ['announces no database', [message(5000, first.blob)], 'announces 37768 bytes'],
  ])('is refused when it %s', async (_, messages, reason) => {
    await using made = await spoolFile();
    const script = new Script(messages);

    await expect(drainFrom(script, made.file)).rejects.toMatchObject({
      code: 'stream-broken',
      message: expect.stringContaining(reason),
    });
    expect(script.isLeft).toBe(true);
  });

  test('ends with the fault that it broke off with', async () => {
    await using made = await spoolFile();
    const fault = new Failure('stream-broken', 'the connection was reset');
    const script = new Script([first], () => Promise.reject(fault));

    await expect(drainFrom(script, made.file)).rejects.toBe(fault);
  });

  test('ends with the reason of whoever ended it, however the stream ends', async () => {
    await using made = await spoolFile();
    const ending = new AbortController();
    const reason = new Error('a second signal');
    const script = new Script([first, second, trailer], async () => {
      await made.file.flush();
      ending.abort(reason);
    });

    const drained = drainFrom(script, made.file, { signal: ending.signal });

    await expect(drained).rejects.toBe(reason);
  });
});
