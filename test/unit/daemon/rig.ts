/** A daemon whose backups are written in the test, on a clock that only moves when told. */
import { vi } from 'vitest';
import type { BackupId } from '../../../src/core/backup.ts';
import { Failure } from '../../../src/core/errors.ts';
import type { Event, EventKind } from '../../../src/core/events.ts';
import type { Daemon, DaemonDeps, DaemonSettings } from '../../../src/daemon/daemon.ts';
import type { WorkOptions } from '../../../src/daemon/job.ts';
import { startDaemon } from '../../../src/daemon/loop.ts';
import { parseSchedule } from '../../../src/daemon/schedule.ts';
import type { BackupReport } from '../../../src/engine/backup.ts';
import type { BackupOrder } from '../../../src/engine/order.ts';

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;

type EventOf<K extends EventKind> = Extract<Event, { kind: K }>;

/** What a backup does; the last one of a script is repeated. */
export type Script = (order: BackupOrder, options: WorkOptions) => Promise<BackupReport>;

export const report: BackupReport = {
  result: 'success',
  id: '20261120T154500Z-r00000000000055919' as BackupId,
  failures: new Map(),
};

export const succeeds: Script = async () => report;

export function lasts(ms: number): Script {
  return async () => {
    await passes(ms);
    return report;
  };
}

export function fails(failure = new Failure('cluster-unreachable', 'no member answers')): Script {
  return async () => {
    throw failure;
  };
}

/** Runs until it is aborted, and then ends as the engine does. */
export const runsUntilAborted: Script = (_order, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

export const never: Script = () => new Promise(() => undefined);

/** Setting the wall clock moves neither timers nor the clock that only runs. */
export function setClock(time: string): void {
  vi.setSystemTime(new Date(time));
}

export async function passes(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

export interface Rig {
  readonly daemon: Daemon;
  readonly orders: BackupOrder[];
  /** When each backup began. */
  readonly begun: string[];
  readonly events: Event[];
  of<K extends EventKind>(kind: K): EventOf<K>[];
}

export interface RigOptions {
  readonly at: string;
  readonly cron?: string;
  readonly timezone?: string;
  readonly script?: readonly Script[];
  readonly settings?: Partial<DaemonSettings>;
  readonly deps?: Partial<DaemonDeps>;
}

/** Starts a daemon at a time and lets it prepare. Fake timers are on from then. */
export async function startRig(options: RigOptions): Promise<Rig> {
  vi.useFakeTimers({ now: new Date(options.at) });
  const script = options.script ?? [succeeds];
  const orders: BackupOrder[] = [];
  const begun: string[] = [];
  const events: Event[] = [];
  const schedule = parseSchedule({
    cron: options.cron ?? '0 * * * *',
    timezone: options.timezone ?? 'UTC',
  });
  const daemon = startDaemon(
    {
      schedule,
      jitterMs: 0,
      catchUp: false,
      onStart: false,
      skipUnchanged: false,
      maxSkipMs: 24 * hour,
      retries: 0,
      retryDelayMs: 30 * second,
      retryDelayMaxMs: 10 * minute,
      ...options.settings,
    },
    {
      about: { version: '1.2.3', node: 'v24', cluster: 'main', stores: ['local'] },
      takeBackup: (order, work) => {
        orders.push(order);
        begun.push(new Date().toISOString());
        const run = script[Math.min(orders.length, script.length) - 1] ?? succeeds;
        return run(order, work);
      },
      prepare: async () => undefined,
      lastSuccess: async () => new Date(),
      observe: (event) => void events.push(event),
      now: () => new Date(),
      random: () => 0,
      ...options.deps,
    },
  );
  await vi.advanceTimersByTimeAsync(1);
  const of = <K extends EventKind>(kind: K): EventOf<K>[] =>
    events.filter((event): event is EventOf<K> => event.kind === kind);
  return { daemon, orders, begun, events, of };
}

export async function advance(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}
