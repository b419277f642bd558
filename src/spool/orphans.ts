/**
 * Ends the etcd that a killed process left running on a folder of its own. It is known by its
 * command line: unlike a file with a process id, that is there from the first moment, and nobody
 * else can come to have it.
 */
import { readdir, readFile, realpath } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const endLimitMs = 5000;

/** Returns when it is gone, or after some seconds. Where there is no /proc, nothing is done. */
export async function endEtcdIn(folder: string): Promise<void> {
  const real = await realpath(folder).catch(() => folder);
  const endMs = performance.now() + endLimitMs;
  for (let found = await etcdsIn(real); found.length > 0; found = await etcdsIn(real)) {
    for (const pid of found) kill(pid);
    if (performance.now() > endMs) return;
    await sleep(20);
  }
}

async function etcdsIn(folder: string): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  const found: number[] = [];
  for (const name of names.filter((each) => /^\d+$/.test(each))) {
    // Empty once the process has ended, also while nobody has asked for its end.
    const words = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (words.split('\0').some((word) => word.startsWith(`--data-dir=${folder}/`))) {
      found.push(Number(name));
    }
  }
  return found;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}
