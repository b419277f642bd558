/** Directories and small disks for the tests of the file store; removed when the test ends. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Memory where the host offers it as a folder: the contract syncs thousands of files. */
export const quickParent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export function makeFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'backupd-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Whether this user may mount; tests that need a disk of their own are skipped otherwise. */
export function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'backupd-mount-'));
  const mounted = mount(folder, 'size=64k');
  if (mounted) unmount(folder);
  rmSync(folder, { recursive: true, force: true });
  return mounted;
}

/** A disk in memory at a new folder. */
export function makeDisk(options: string): string {
  const folder = makeFolder();
  if (!mount(folder, options)) throw new Error(`cannot mount at ${folder}`);
  onTestFinished(() => unmount(folder));
  return folder;
}

export function mount(folder: string, options: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'none', folder]).status === 0;
}

export function remount(folder: string, options: string): void {
  const { status } = spawnSync('mount', ['-o', `remount,${options}`, folder]);
  if (status !== 0) throw new Error(`cannot remount ${folder}`);
}

export function unmount(folder: string): void {
  spawnSync('umount', ['--lazy', folder]);
}
