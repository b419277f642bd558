/**
 * A machine with a real systemd, booted in a container that shares the network with its host, on an
 * overlay that goes with it. Limits of memory and tasks are not enforced in there on every kernel.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../setup/program.ts';
import { bringSystemd, type SystemdRoot } from '../setup/systemd.ts';

/** The system, or why it cannot be had here. Where MUST_RUN_SYSTEMD is 1, that is a failure. */
export async function systemdHere(): Promise<
  { system: SystemdRoot; skip?: never } | { system?: never; skip: string }
> {
  try {
    if (process.getuid?.() !== 0) throw new Error('only root can boot a container');
    return { system: await bringSystemd() };
  } catch (thrown) {
    const skip = `no systemd: ${(thrown as Error).message.split('\n').at(-1)}`;
    if (process.env['MUST_RUN_SYSTEMD'] === '1') throw new Error(skip, { cause: thrown });
    return { skip };
  }
}

const bootLimitMs = 120_000;

// The loader and libraries of the packages run their own nspawn on whatever host this is.
const bootScript = `
set -e
mount -t overlay overlay -o lowerdir="$1",upperdir="$2/upper",workdir="$2/work" "$2/root"
libs=$1/usr/lib/$(uname -m)-linux-gnu
exec "$(echo "$1"/lib64/ld-linux-*)" --library-path "$libs:$libs/systemd" \\
  "$1/usr/bin/systemd-nspawn" --quiet --register=no --keep-unit --console=read-only \\
  --boot --directory "$2/root" "--machine=$3"
`;

export class Machine implements AsyncDisposable {
  readonly #folder: string;
  readonly #process: ChildProcess;
  #console = '';
  #leader = 0;

  /** Boots the system with what `furnish` has put into its root directory. */
  static async boot(
    { root }: SystemdRoot,
    furnish: (dir: string) => Promise<void>,
  ): Promise<Machine> {
    const folder = mkdtempSync(join(tmpdir(), 'machine-'));
    for (const name of ['upper', 'work', 'root']) mkdirSync(join(folder, name));
    await furnish(join(folder, 'upper'));
    const machine = new Machine(root, folder);
    try {
      await machine.#untilUp();
      return machine;
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(root: string, folder: string) {
    this.#folder = folder;
    const name = `machine-${folder.slice(-6)}`.toLowerCase();
    const words = ['--mount', 'sh', '-c', bootScript, 'sh', root, folder, name];
    this.#process = spawn('unshare', words, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const pipe of [this.#process.stdout, this.#process.stderr]) {
      pipe?.on('data', (chunk) => {
        this.#console = `${this.#console}${chunk}`.slice(-4000);
      });
    }
  }

  /** Runs a command inside, as root; resolves to its stdout. */
  run(command: string, ...args: readonly string[]): Promise<string> {
    const into = ['--target', String(this.#leader), '--mount', '--uts', '--ipc', '--pid', '--root'];
    const env = { PATH: '/usr/sbin:/usr/bin', LC_ALL: 'C', HOME: '/root' };
    // In a folder of the machine: the one that it comes with is outside.
    const there = ['sh', '-c', 'cd / && exec "$@"', 'sh'];
    return run('nsenter', [...into, '--', ...there, command, ...args], {
      env: { ...env, PATH: `${env.PATH}:/sbin:/bin` },
    });
  }

  /** Runs a line of shell inside. */
  sh(line: string): Promise<string> {
    return this.run('sh', '-c', line);
  }

  /** A property of a unit, as `systemctl show` tells it. */
  async show(unit: string, property: string): Promise<string> {
    return (await this.run('systemctl', 'show', '--value', '--property', property, unit)).trim();
  }

  /** Asks again and again, for what nobody tells. */
  async until(what: string, isSo: () => Promise<boolean>, limitMs = 60_000): Promise<void> {
    const end = performance.now() + limitMs;
    while (!(await isSo().catch(() => false))) {
      if (performance.now() > end) {
        const journal = await this.sh('journalctl --no-pager --lines 25').catch(String);
        throw new Error(`not within ${limitMs} ms: ${what}\n${journal}`);
      }
      await sleep(200);
    }
  }

  async #untilUp(): Promise<void> {
    const end = performance.now() + bootLimitMs;
    for (;;) {
      if (this.#process.exitCode !== null || performance.now() > end) {
        throw new Error(`the machine did not boot:\n${this.#console}`);
      }
      this.#leader = leaderOf(this.#process.pid ?? 0);
      // Degraded is up: what fails in a container is nothing of ours.
      const states = 'case $(systemctl is-system-running) in running|degraded) ;; *) exit 1; esac';
      if (
        this.#leader > 0 &&
        (await this.sh(states).then(
          () => true,
          () => false,
        ))
      )
        return;
      await sleep(200);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      // Its leader takes everything inside with it.
      if (this.#leader > 0) process.kill(this.#leader, 'SIGKILL');
      else this.#process.kill('SIGKILL');
      await once(this.#process, 'exit');
    }
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** nspawn is what `unshare` became; its child is the first process inside. */
function leaderOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
  } catch {
    return 0;
  }
}

/** Where files of the machine's root are put before it boots. */
export function placed(dir: string, path: string): string {
  const file = join(dir, path);
  mkdirSync(dirname(file), { recursive: true });
  return file;
}
