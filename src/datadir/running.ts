/**
 * Who is at work on a data directory: an etcd, or another restore. etcd holds locks on its database
 * and on its log as long as it lives; the kernel lists them. Processes in containers may be hidden
 * from that list, so the system's own `flock` program is asked as well, where it is installed.
 */
import { execFile } from 'node:child_process';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { systemCode } from '../core/errors.ts';

/** What holds the directory, for people; undefined when nothing does, as far as can be seen. */
export async function holderOf(dataDir: string): Promise<string | undefined> {
  const files = await lockedFiles(dataDir);
  const locks = await readFile('/proc/locks', 'utf8').catch(() => '');
  for (const path of files) {
    const facts = await stat(path, { bigint: true }).catch(() => undefined);
    if (facts === undefined) continue;
    const pid = lockHolder(locks, facts.dev, facts.ino);
    if (pid !== undefined) return `${pid > 0 ? `process ${pid}` : 'a process'} holds ${path}`;
    if (await isLockedByFlock(path)) return `a process holds ${path}`;
  }
  return undefined;
}

/**
 * The process that has the folder open, as far as can be seen. Only the folder's name is compared,
 * which must be unique: in a container the same folder has another path.
 */
export async function openerOf(folder: string): Promise<number | undefined> {
  const name = `/${basename(folder)}`;
  const pids = (await readdir('/proc').catch(() => [])).filter((entry) => /^\d+$/.test(entry));
  for (const pid of pids) {
    const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const fd of fds) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      if (target.endsWith(name)) return Number(pid);
    }
  }
  return undefined;
}

async function lockedFiles(dataDir: string): Promise<string[]> {
  const walDir = join(dataDir, 'member', 'wal');
  const logs = await readdir(walDir).catch(() => []);
  const wals = logs.filter((name) => name.endsWith('.wal')).map((name) => join(walDir, name));
  return [join(dataDir, 'member', 'snap', 'db'), ...wals];
}

/**
 * Lines are `1: FLOCK  ADVISORY  WRITE 812 fe:01:1234 0 EOF`: the device in hex, the inode not. A
 * lock that belongs to no single process has -1 in the place of its id.
 */
export function lockHolder(locks: string, device: bigint, inode: bigint): number | undefined {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  const hex = (part: bigint): string => part.toString(16).padStart(2, '0');
  const wanted = `${hex(major)}:${hex(minor)}:${inode}`;
  for (const line of locks.split('\n')) {
    const words = line.trim().split(/\s+/);
    // Who only waits for a lock has a word more in front: `->`.
    if (words[5] === wanted) return Number(words[4]);
  }
  return undefined;
}

const flockLimitMs = 5000;
/** The status that it is told to end with when somebody else has the lock. */
const takenStatus = 75;

function isLockedByFlock(path: string): Promise<boolean> {
  const args = ['--nonblock', '--shared', '-E', String(takenStatus), path, 'true'];
  return new Promise((resolve) => {
    execFile('flock', args, { timeout: flockLimitMs }, (error) => {
      // Not installed, or it cannot open the file: then it has nothing to say.
      resolve(error !== null && systemCode(error) === undefined && error.code === takenStatus);
    });
  });
}
