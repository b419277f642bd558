/**
 * systemd as the supervisor. Node.js cannot write to the socket that systemd listens on (unix
 * datagrams), so each notice is carried there by systemd's own `systemd-notify`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Notice, Supervisor } from './supervision.ts';

export interface SystemdSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** Takes a line for people. */
  readonly complain: (line: string) => void;
}

// systemd-notify itself waits five seconds for systemd to have read the notice.
const carryLimitMs = 10_000;

/** Undefined where systemd did not start this program, or does not ask for notices. */
export function systemdSupervisor(around: SystemdSurroundings): Supervisor | undefined {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: usec, WATCHDOG_PID: watched } = around.env;
  if (socket === undefined || socket === '') return undefined;
  const isWatched = watched === undefined || watched === String(around.pid);
  const patienceMs = isWatched && Number(usec) > 0 ? Number(usec) / 1000 : undefined;
  const courier = new Courier(around);
  return { patienceMs, tell: (notice) => courier.send(wordsOf(notice)) };
}

function wordsOf({ ready, stopping, alive, status }: Notice): [string, string][] {
  return [
    ...(ready ? [['READY', '1'] as [string, string]] : []),
    ...(stopping ? [['STOPPING', '1'] as [string, string]] : []),
    ...(alive ? [['WATCHDOG', '1'] as [string, string]] : []),
    ...(status === undefined ? [] : [['STATUS', oneLine(status)] as [string, string]]),
  ];
}

/** A line break would begin another word of the notice. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

/** One at a time, so that notices arrive in order; what comes meanwhile goes together. */
class Courier {
  readonly #env: Record<string, string>;
  readonly #complain: (line: string) => void;
  #waiting = new Map<string, string>();
  #isAway = false;
  #hasComplained = false;

  constructor({ env, complain }: SystemdSurroundings) {
    // Nothing else of ours is its business.
    this.#env = { NOTIFY_SOCKET: env['NOTIFY_SOCKET'] ?? '', PATH: env['PATH'] ?? '' };
    this.#complain = complain;
  }

  send(words: readonly (readonly [string, string])[]): void {
    for (const [name, value] of words) this.#waiting.set(name, value);
    if (!this.#isAway) this.#leave();
  }

  #leave(): void {
    const carried = this.#waiting;
    this.#waiting = new Map();
    this.#isAway = true;
    const words = [...carried].map(([name, value]) => `${name}=${value}`);
    void carry(words, this.#env).then((fault) => this.#comeBack(carried, fault));
  }

  /** What was not delivered goes with the next notice: systemd waits for some of it. */
  #comeBack(carried: Map<string, string>, fault: string | null): void {
    this.#isAway = false;
    if (fault === null) {
      if (this.#waiting.size > 0) this.#leave();
      return;
    }
    this.#waiting = new Map([...carried, ...this.#waiting]);
    if (this.#hasComplained) return;
    this.#hasComplained = true;
    this.#complain(
      `etcd-backupd: systemd-notify failed (${fault}): systemd hears nothing from us\n`,
    );
  }
}

/** Resolves with what went wrong; null when systemd has it. */
async function carry(words: readonly string[], env: NodeJS.ProcessEnv): Promise<string | null> {
  try {
    const limits = { timeout: carryLimitMs, killSignal: 'SIGKILL' } as const;
    const child = spawn('systemd-notify', words, { env, stdio: 'ignore', ...limits });
    // It must not keep a daemon that has ended.
    child.unref();
    const [code, signal] = await once(child, 'exit');
    return code === 0 ? null : `ended with ${code ?? signal}`;
  } catch (error) {
    return (error as Error).message;
  }
}
