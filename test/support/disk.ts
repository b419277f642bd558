/** Small disks of their own, in memory, for what a full or read-only one does. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../src/core/errors.ts';
import { type Workplace, workplace } from './house.ts';

const MiB = 1024 * 1024;

export interface Disk extends Disposable {
  readonly path: string;
  readonly makeReadOnly: () => void;
}

/** A disk at a new folder of the workplace. */
export function disk(place: Workplace, name: string, bytes: number): Disk {
  const path = join(place.dir, name);
  mkdirSync(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'tmpfs', path]);
  return {
    path,
    makeReadOnly: () => execFileSync('mount', ['-o', 'remount,ro', path]),
    [Symbol.dispose]: () => execFileSync('umount', [path]),
  };
}

export function canMount(): boolean {
  using place = workplace({ clientUrls: [], tls: undefined, clientPair: undefined });
  try {
    using _probe = disk(place, 'probe', MiB);
    return true;
  } catch (error) {
    console.warn(`no disk can be mounted here, so none is tested: ${error}`);
    return false;
  }
}

/** Somebody else's file takes all that is free, and what is being written meanwhile as well. */
export function fillUp(folder: string): void {
  const { bavail, bsize } = statfsSync(folder);
  try {
    writeFileSync(join(folder, 'ballast'), Buffer.alloc(bavail * bsize + MiB));
  } catch (error) {
    if (systemCode(error) !== 'ENOSPC') throw error;
  }
}
