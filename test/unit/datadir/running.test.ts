import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { holderOf, lockHolder, openerOf } from '../../../src/datadir/running.ts';
import { ground, oldData } from './ground.ts';

describe('a line of the kernel about locks', () => {
  const device = (major: bigint, minor: bigint): bigint =>
    (minor & 0xffn) | (major << 8n) | ((minor & ~0xffn) << 12n);

  test('names the process that holds the file', () => {
    const locks = [
      '1: POSIX  ADVISORY  WRITE 512 fe:01:77 0 EOF',
      '2: FLOCK  ADVISORY  WRITE 812 fe:01:1234 0 EOF',
      '3: OFDLCK ADVISORY  READ  -1 00:1b:99 0 EOF',
      '',
    ].join('\n');

    expect(lockHolder(locks, device(0xfen, 1n), 1234n)).toBe(812);
    expect(lockHolder(locks, device(0xfen, 1n), 77n)).toBe(512);
    expect(lockHolder(locks, device(0n, 0x1bn), 99n)).toBe(-1);
  });

  test('is about another file when device or inode differ', () => {
    const locks = '1: FLOCK  ADVISORY  WRITE 812 fe:01:1234 0 EOF\n';

    expect(lockHolder(locks, device(0xfen, 2n), 1234n)).toBeUndefined();
    expect(lockHolder(locks, device(0xfdn, 1n), 1234n)).toBeUndefined();
    expect(lockHolder(locks, device(0xfen, 1n), 123n)).toBeUndefined();
    expect(lockHolder(locks, device(0xfen, 1n), 12345n)).toBeUndefined();
  });

  test('tells of large device numbers as well', () => {
    const locks = '1: FLOCK  ADVISORY  WRITE 812 302:abcde:5 0 EOF\n';

    expect(lockHolder(locks, device(0x302n, 0xabcden), 5n)).toBe(812);
  });

  test('may be about somebody who only waits', () => {
    const waiting = '1: -> FLOCK  ADVISORY  WRITE 900 fe:01:1234 0 EOF';
    const held = '1: FLOCK  ADVISORY  WRITE 812 fe:01:1234 0 EOF';

    expect(lockHolder(waiting, device(0xfen, 1n), 1234n)).toBeUndefined();
    expect(lockHolder(`${waiting}\n${held}`, device(0xfen, 1n), 1234n)).toBe(812);
  });
});

describe('a data directory', () => {
  test.for(['snap/db', 'wal/0000000000000000-0000000000000000.wal'])(
    'is held by whoever has locked its %s',
    async (name) => {
      const dir = ground();
      oldData(dir);
      const path = join(dir, 'member', name);
      expect(await holderOf(dir)).toBeUndefined();

      const words = ['--no-fork', path, 'sh', '-c', 'echo held; exec sleep 60'];
      const holder = spawn('flock', words);
      await once(holder.stdout, 'data');

      expect(await holderOf(dir)).toBe(`process ${holder.pid} holds ${path}`);
      holder.kill('SIGKILL');
      await once(holder, 'exit');
      expect(await holderOf(dir)).toBeUndefined();
    },
  );

  test('is held by nobody where it is not there', async () => {
    expect(await holderOf(join(ground(), 'missing'))).toBeUndefined();
  });
});

describe('an open folder', () => {
  test('is seen with the process that has it open, as long as it does', async () => {
    const folder = join(ground(), 'building-5e1f');
    mkdirSync(folder);
    expect(await openerOf(folder)).toBeUndefined();

    const handle = await open(folder, 'r');

    expect(await openerOf(folder)).toBe(process.pid);
    expect(await openerOf(`/seen/from/elsewhere/building-5e1f`)).toBe(process.pid);
    await handle.close();
    expect(await openerOf(folder)).toBeUndefined();
    expect(statSync(folder).isDirectory()).toBe(true);
    rmSync(folder, { recursive: true });
  });
});
