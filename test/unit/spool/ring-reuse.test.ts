/** A daemon that takes thousands of backups must not gather a ring for each. */
import { expect, test } from 'vitest';
import { freshSource } from '../../../src/spool/fresh-source.ts';
import { MiB, spoolFile, stuckDisk } from './disks.ts';
import { bytesFrom } from './told-bytes.ts';

test('files one after the other share the memory of one ring', async () => {
  const memories = new Set<SharedArrayBuffer>();
  for (let count = 0; count < 5; count += 1) {
    await using made = await spoolFile();
    await made.file.append([bytesFrom(0, 5000)]);
    await made.file.flush();
    memories.add(made.file.ring.memory);
  }

  expect(memories.size).toBe(1);
});

test('files at the same time have rings of their own', async () => {
  await using first = await spoolFile();
  await using second = await spoolFile();

  expect(first.file.ring.memory).not.toBe(second.file.ring.memory);
});

test('a ring that is used again holds nothing of the file before', async () => {
  const before = await spoolFile();
  await before.file.append([bytesFrom(0, 5000)]);
  await before.file.flush();
  await before[Symbol.asyncDispose]();

  await using after = await spoolFile();
  await after.file.append([bytesFrom(7, 100)]);
  await after.file.flush();
  const into = Buffer.alloc(200);

  expect(after.file.ring.memory).toBe(before.file.ring.memory);
  expect(after.file.ring.copy(50, into)).toBe(false);
  expect(freshSource(after.file.path, after.file.ring).read(50, into)).toBe(50);
});

test('a ring that a write still read when its file was given up is not used again', async () => {
  const hung = await spoolFile();
  await using stuck = stuckDisk();
  await hung.file.append([bytesFrom(0, 3 * MiB)]);
  await hung.file.release();
  await stuck.letGo();

  await using next = await spoolFile();

  expect(next.file.ring.memory).not.toBe(hung.file.ring.memory);
  await hung[Symbol.asyncDispose]();
});
