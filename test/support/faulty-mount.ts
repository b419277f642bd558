/** A mount whose faults a test sets: a folder, shown by a program that fails and hangs as told. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bringFuse, type FusePackages } from '../setup/fuse.ts';

export interface FaultyMount extends AsyncDisposable {
  /** Where it is mounted. */
  readonly point: string;
  /** The folder that it shows, for whoever does not suffer its faults. */
  readonly behind: string;
  /** Lines such as `write:ENOSPC`, `read:ESTALE:1`, `rename:hang`; none heals. */
  set(...faults: readonly string[]): void;
}

/** Why there is none here, if so. Where MUST_RUN_NFS is 1, that is a failure. */
export async function fuseHere(): Promise<
  { packages: FusePackages; skip?: never } | { packages?: never; skip: string }
> {
  try {
    return { packages: await bringFuse() };
  } catch (thrown) {
    const skip = (thrown as Error).message.split('\n').at(-1) ?? '';
    if (process.env.MUST_RUN_NFS === '1') throw new Error(skip, { cause: thrown });
    return { skip };
  }
}

export async function mountFaulty({ python, env }: FusePackages): Promise<FaultyMount> {
  const folder = mkdtempSync(join(tmpdir(), 'faulty-mount-'));
  const [behind, point] = [join(folder, 'behind'), join(folder, 'point')];
  const faults = join(folder, 'faults');
  for (const made of [behind, point]) mkdirSync(made, { mode: 0o700 });
  const set = (...lines: readonly string[]) => {
    // Whole at any moment: it is read at every operation.
    writeFileSync(`${faults}.new`, lines.map((line) => `${line}\n`).join(''));
    renameSync(`${faults}.new`, faults);
  };
  set();
  const script = join(import.meta.dirname, 'faulty-mount.py');
  const server = spawn(python, [script, behind, point, faults], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  while (!readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${point} `)) {
    if (server.exitCode !== null) throw new Error(`the faulty mount did not start: ${said}`);
    await sleep(20);
  }
  return {
    point,
    behind,
    set,
    [Symbol.asyncDispose]: async () => {
      // Its end lets go of everybody who hangs there.
      server.kill('SIGKILL');
      spawnSync('umount', ['--lazy', point]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
