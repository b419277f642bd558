/**
 * What the daemon tells whoever started it, and restarts it when it hangs. Signs of life come from
 * the rounds of the loop itself, and only while the daemon does its work: a timer beside a loop
 * that stands still would vouch for a corpse.
 */
import type { Health } from './health.ts';

export interface Notice {
  readonly ready?: true;
  readonly stopping?: true;
  readonly alive?: true;
  /** One line for people. */
  readonly status?: string;
}

export interface Supervisor {
  /** How long it waits for a sign of life before it restarts the daemon; undefined: for ever. */
  readonly patienceMs: number | undefined;
  /** Neither waits nor throws: a daemon that nobody listens to takes backups all the same. */
  tell(notice: Notice): void;
}

export interface Vitals {
  alive(): Health;
  ready(): Health;
}

export interface BeatDeps {
  /** Called each time that the loop went round. */
  readonly beat?: ((vitals: Vitals) => void) | undefined;
}

export interface Outlook {
  readonly stopping: boolean;
  readonly status: string;
}

/** Tells each thing once, when it has changed, and signs of life twice as often as needed. */
export function reportTo(supervisor: Supervisor, look: () => Outlook): (vitals: Vitals) => void {
  const { patienceMs } = supervisor;
  let told = { ready: false, stopping: false, alive: true, status: '' };
  let vouchedMs = Number.NEGATIVE_INFINITY;
  return (vitals) => {
    const life = vitals.alive();
    const { stopping, status: outlook } = look();
    const ready = told.ready || vitals.ready().ok;
    // The reason counts the time: the first one will do.
    const fault = told.alive ? `not alive: ${life.reason}` : told.status;
    const status = life.ok ? outlook : fault;
    const isDue = patienceMs !== undefined && performance.now() - vouchedMs >= patienceMs / 2;
    const notice: Notice = {
      ...(ready && !told.ready ? { ready } : {}),
      ...(stopping && !told.stopping ? { stopping } : {}),
      ...(isDue && life.ok ? { alive: true } : {}),
      ...(status === told.status ? {} : { status }),
    };
    if (notice.alive) vouchedMs = performance.now();
    told = { ready, stopping, alive: life.ok, status };
    if (Object.keys(notice).length > 0) supervisor.tell(notice);
  };
}
