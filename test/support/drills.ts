/** What a drill has running, and whether it has left anything. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Process ids of every etcd whose data lie below the folder. */
export function etcdsBelow(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => wordsOf(name).some((word) => word.startsWith(`--data-dir=${folder}/`)))
    .map(Number);
}

/** Waits until one runs; the kernel tells nobody of it. */
export async function untilEtcdBelow(folder: string, limitMs = 20_000): Promise<number> {
  for (const endMs = performance.now() + limitMs; performance.now() < endMs; ) {
    const [pid] = etcdsBelow(folder);
    if (pid !== undefined) return pid;
    await sleep(5);
  }
  throw new Error(`no etcd runs below ${folder}`);
}

/** Ports that the process listens on. */
export function portsOf(pid: number): number[] {
  const sockets = readdirSync(`/proc/${pid}/fd`).map((name) => linkOf(`/proc/${pid}/fd/${name}`));
  return ['tcp', 'tcp6'].flatMap((kind) =>
    readFileSync(`/proc/${pid}/net/${kind}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => {
        return state === '0A' && sockets.includes(`socket:[${inode}]`);
      })
      .map(([, local]) => Number.parseInt(local?.split(':').at(-1) ?? '', 16)),
  );
}

function wordsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
