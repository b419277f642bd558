/** Folders and disks for one test each: in the way, too small, or not answering. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SpoolFile } from '../../../src/spool/file.ts';
import { bytesFrom } from './told-bytes.ts';

export const MiB = 1024 * 1024;

export interface Folder extends Disposable {
  readonly path: string;
  names(): string[];
}

export function folder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'etcd-backupd-spool-'));
  return {
    path,
    names: () => readdirSync(path).toSorted(),
    [Symbol.dispose]: () => rmSync(path, { recursive: true }),
  };
}

/** A new spool file in a folder of its own; both go at the end. */
export async function spoolFile() {
  const place = folder();
  const file = await SpoolFile.create(join(place.path, 'file'));
  return {
    file,
    place,
    [Symbol.asyncDispose]: async () => {
      await file[Symbol.asyncDispose]();
      place[Symbol.dispose]();
    },
  };
}

/** A small disk of its own. `ramfs` has no limit, and no way past the page cache. */
export function disk(kind: 'tmpfs' | 'ramfs', sizeBytes: number): Folder {
  const place = folder();
  const size = `size=${sizeBytes},mode=0700`;
  try {
    execFileSync('mount', ['-t', kind, '-o', size, kind, place.path], { stdio: 'pipe' });
  } catch (error) {
    place[Symbol.dispose]();
    throw error;
  }
  return {
    ...place,
    [Symbol.dispose]: () => {
      // Lazily: a test that failed may have left a file open.
      execFileSync('umount', ['--lazy', place.path]);
      place[Symbol.dispose]();
    },
  };
}

export function canMount(): boolean {
  try {
    using _tmpfs = disk('tmpfs', MiB);
    using _ramfs = disk('ramfs', MiB);
    return true;
  } catch (error) {
    console.warn(`no disk can be mounted here, so none is tested: ${error}`);
    return false;
  }
}

/** No file of this process can grow beyond this, as if its disk were full there. */
export function fileLimit(bytes: number): Disposable {
  const limit = (soft: number | 'unlimited') =>
    execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${soft}:`], { stdio: 'pipe' });
  // The kernel also sends a signal, which ends a process that does not listen.
  const listen = () => undefined;
  process.on('SIGXFSZ', listen);
  limit(bytes);
  return {
    [Symbol.dispose]: () => {
      limit('unlimited');
      process.off('SIGXFSZ', listen);
    },
  };
}

/** How much of a file is in the page cache. */
export function cachedBytes(path: string): number {
  const words = ['--bytes', '--noheadings', '--output', 'RES', path];
  return Number(execFileSync('fincore', words, { encoding: 'utf8', stdio: 'pipe' }));
}

/** Whether the disk of the temporary folder can be written past the page cache, and it shows. */
export async function canBypassCache(): Promise<boolean> {
  try {
    using place = folder();
    const path = join(place.path, 'probe');
    const flags = constants.O_CREAT | constants.O_WRONLY | constants.O_DIRECT;
    await using handle = await open(path, flags);
    await using aligned = await SpoolFile.create(join(place.path, 'aligned'));
    aligned.ring.put(0, bytesFrom(0, MiB));
    await handle.write(aligned.ring.piece(0, MiB), 0, MiB, 0);
    return cachedBytes(path) === 0;
  } catch (error) {
    console.warn(`the page cache cannot be avoided or watched here: ${error}`);
    return false;
  }
}

export interface StuckDisk extends AsyncDisposable {
  letGo(): Promise<void>;
}

/**
 * No file call of this process comes back until the disk is let go, only those that block: every
 * thread that makes them waits at a pipe which nobody writes to.
 */
export function stuckDisk(): StuckDisk {
  const place = folder();
  const pipe = join(place.path, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
  const waiting = Array.from({ length: threads }, () => open(pipe, 'r'));
  let isStuck = true;
  const letGo = async () => {
    if (!isStuck) return;
    isStuck = false;
    const writer = openSync(pipe, constants.O_RDWR);
    for (const handle of await Promise.all(waiting)) await handle.close();
    closeSync(writer);
    place[Symbol.dispose]();
  };
  return { letGo, [Symbol.asyncDispose]: letGo };
}
