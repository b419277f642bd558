import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openSpool } from '../../../src/spool/spool.ts';
import { etcdsBelow } from '../../support/drills.ts';

function spoolDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'etcd-backupd-scratch-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A process that looks like the etcd of a drill in this folder. */
async function etcdIn(folder: string) {
  const words = ['-e', 'setInterval(() => undefined, 1000)', '--', `--data-dir=${folder}/data`];
  const child = spawn(process.execPath, words, { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  return { exited: once(child, 'exit'), child };
}

/** A folder as a process left it that has ended since. */
async function leftFolder(dir: string): Promise<string> {
  const owner = spawn('true', { stdio: 'ignore' });
  await once(owner, 'exit');
  const folder = join(dir, `drill-${owner.pid}-12345-1`);
  mkdirSync(join(folder, 'data'), { recursive: true });
  writeFileSync(join(folder, 'etcd.log'), 'a line');
  return folder;
}

describe('a scratch folder', () => {
  test('is private, of its own, and goes with all that is in it', async () => {
    const dir = spoolDir();
    const spool = openSpool({ dir, maxBytes: 0 });

    const [one, other] = [await spool.scratch(1000), await spool.scratch(1000)];
    writeFileSync(join(one.path, 'file'), 'content');
    const mode = statSync(one.path).mode & 0o777;
    const names = new Set(readdirSync(dir));
    await one[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();

    expect(mode).toBe(0o700);
    expect(names.size).toBe(2);
    expect(readdirSync(dir)).toEqual([]);
  });

  test('is not made where the database and its etcd would not fit', async () => {
    const dir = spoolDir();

    const made = openSpool({ dir, maxBytes: 0 }).scratch(2 ** 52);

    await expect(made).rejects.toMatchObject({
      code: 'spool-full',
      message: expect.stringMatching(/^the snapshot needs .* and its etcd 192 MiB, .* free/),
    });
    expect(readdirSync(dir)).toEqual([]);
  });

  test('of a living process is left alone by a sweep, and so is its etcd', async () => {
    const dir = spoolDir();
    const spool = openSpool({ dir, maxBytes: 0 });
    const scratch = await spool.scratch(1000);
    const { child } = await etcdIn(scratch.path);

    const swept = await spool.sweep();

    expect(swept).toEqual([]);
    expect(existsSync(scratch.path)).toBe(true);
    expect(etcdsBelow(scratch.path)).toEqual([child.pid]);
  });

  test('of a killed process is swept, and its etcd ended', async () => {
    const dir = spoolDir();
    const folder = await leftFolder(dir);
    const { exited } = await etcdIn(folder);
    const neighbour = await etcdIn(`${folder}0`);

    const swept = await openSpool({ dir, maxBytes: 0 }).sweep();

    expect(swept).toEqual([folder.slice(dir.length + 1)]);
    expect(await exited).toEqual([null, 'SIGKILL']);
    expect(existsSync(folder)).toBe(false);
    expect(neighbour.child.exitCode ?? neighbour.child.signalCode).toBeNull();
  });
});
