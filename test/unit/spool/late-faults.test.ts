/** What happens after the last byte of a stream, and behind it. */
import { expect, test } from 'vitest';
import { drain } from '../../../src/spool/drain.ts';
import { freshSource } from '../../../src/spool/fresh-source.ts';
import { MiB, spoolFile, stuckDisk } from './disks.ts';
import { messagesOf, Script, snapshotFile } from './streams.ts';
import { bytesFrom } from './told-bytes.ts';

test('a disk that hangs in the last flush is blamed, and not the member', async () => {
  await using made = await spoolFile();
  await using _stuck = stuckDisk();
  const script = new Script(messagesOf(snapshotFile(3 * MiB), {}));
  const { signal } = new AbortController();
  const order = { open: script.open, file: made.file, signal, onProgress: () => {} };

  const drained = drain({ ...order, stallTimeoutMs: 50 });

  await expect(drained).rejects.toMatchObject({ code: 'spool-failed' });
});

test('reading past the end of a file that grows gives nothing', async () => {
  await using made = await spoolFile();
  await made.file.append([bytesFrom(0, 5000)]);
  await made.file.flush();

  const source = freshSource(made.file.path, made.file.ring);

  expect(source.read(5000, new Uint8Array(10))).toBe(0);
});
