/** Three daemons on one cluster that share a store, what is done to them, and what came of it. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isProved, type Manifest } from '../../src/core/manifest.ts';
import { decodeManifest } from '../../src/core/manifest-json.ts';
import { type LogLine, type RunningDaemon, startDaemonProcess } from './daemon.ts';
import type { TestCluster } from './etcd.ts';
import type { FaultyMount } from './faulty-mount.ts';
import { type Workplace, workplace } from './house.ts';

export interface NeighboursOptions {
  readonly etcd: TestCluster;
  /** The last daemon reaches the shared store through it. */
  readonly mount: FaultyMount;
  readonly program: string;
  readonly everySeconds: number;
  /** How far the clock of the first is ahead, and that of the last behind. */
  readonly skewMs: number;
}

/** A daemon beside one member; the first has a disk of its own as well. */
export interface Seat {
  readonly name: string;
  readonly place: Workplace;
  daemon: RunningDaemon;
}

const limitMs = 120_000;

export class Neighbours implements AsyncDisposable {
  readonly seats: Seat[] = [];
  /** What may have cost one backup too many each. */
  troubles = 0;
  readonly #options: NeighboursOptions;
  readonly #shared: string;

  constructor(options: NeighboursOptions) {
    this.#options = options;
    this.#shared = join(options.mount.behind, 'shared');
    mkdirSync(this.#shared, { mode: 0o700 });
  }

  get disk(): string {
    return this.seats[0]!.place.storeDir;
  }

  get everyMs(): number {
    return this.#options.everySeconds * 1000;
  }

  async start(): Promise<void> {
    for (const name of ['m1', 'm2', 'm3']) {
      const place = workplace(this.#options.etcd);
      Object.assign(place.settings, this.#settings(name, place));
      this.seats.push({ name, place, daemon: await this.#launch(name, place) });
    }
  }

  async kill(...seats: readonly Seat[]): Promise<void> {
    this.troubles += seats.length;
    await Promise.all(seats.map(({ daemon }) => daemon.stop('SIGKILL')));
  }

  /** Returns when their schedules are armed. */
  async restart(...seats: readonly Seat[]): Promise<void> {
    await Promise.all(
      seats.map(async (seat) => {
        seat.daemon = await this.#launch(seat.name, seat.place);
        await seat.daemon.until('next-run-scheduled');
      }),
    );
  }

  /** The daemon that is first in line for a slot, and has begun to take the backup. */
  async acting(): Promise<{ readonly seat: Seat; readonly slot: number }> {
    const told = new Set(this.#firsts().map(({ slot }) => slot));
    return this.until('a daemon that acts', () => {
      const first = this.#firsts().find(({ slot }) => !told.has(slot));
      if (first === undefined) return undefined;
      const { seat, slot, line } = first;
      const since = seat.daemon.lines.slice(seat.daemon.lines.indexOf(line));
      return since.some(({ event }) => event === 'member-chosen') ? { seat, slot } : undefined;
    });
  }

  /** Waits until the shared store has a proved backup of the slot. */
  async settled(slot: number): Promise<void> {
    await this.until(`a backup of ${new Date(slot).toISOString()}`, () =>
      this.backups().some((each) => each.slot?.getTime() === slot) ? true : undefined,
    );
  }

  /**
   * Waits until every daemon is done with the slot, and returns how, by name. One that was busy
   * when the slot came, or began only then, is done by being at the next: 'passed over'.
   */
  async ends(slot: number): Promise<Readonly<Record<string, unknown>>> {
    const ended = await Promise.all(
      this.seats.map((seat) =>
        this.until(`the end of ${new Date(slot).toISOString()} on ${seat.name}`, () => {
          const begun = seat.daemon.of('run-started').find((line) => slotOf(line) >= slot);
          if (begun === undefined) return undefined;
          if (slotOf(begun) > slot) return [seat.name, 'passed over'] as const;
          const since = seat.daemon.lines.slice(seat.daemon.lines.indexOf(begun));
          const end = since.find(({ event }) => event === 'run-finished');
          return end && ([seat.name, end['result']] as const);
        }),
      ),
    );
    return Object.fromEntries(ended);
  }

  /** The proved backups of slots in the shared store, or in another folder. */
  backups(folder = this.#shared): readonly Manifest[] {
    return readdirSync(folder, { recursive: true })
      .map(String)
      .filter((name) => /^[0-9a-f]{16}\/[^/]+\.json$/.test(name))
      .map((name) => decodeManifest(readFileSync(join(folder, name), 'utf8'), name))
      .filter((manifest) => isProved(manifest) && manifest.slot !== null)
      .sort((one, other) => one.startedAt.getTime() - other.startedAt.getTime());
  }

  async until<T>(what: string, look: () => T | undefined): Promise<T> {
    const late = AbortSignal.timeout(limitMs);
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (late.aborted) throw new Error(`waited too long for ${what}; last: ${this.#lastWords()}`);
      // A stopped process tells nothing, so all are listened to; the tick is for the limit.
      const tick = new Promise((resolve) => setTimeout(resolve, 1000));
      await Promise.race([tick, ...this.seats.map(({ daemon }) => daemon.heard())]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { daemon, place } of this.seats) {
      await daemon[Symbol.asyncDispose]();
      place[Symbol.dispose]();
    }
  }

  #settings(name: string, place: Workplace): Record<string, string> {
    const { everySeconds, mount } = this.#options;
    const store = { name: 'shared', stallTimeout: '2s' };
    const cut = { ...store, type: 'nfs', path: join(mount.point, 'shared') };
    const whole = { ...store, type: 'file', path: this.#shared, shared: true };
    const own = { name: 'disk', type: 'file', path: place.storeDir };
    const stores = { m1: [whole, own], m2: [whole] }[name] ?? [{ ...cut, mountPoint: mount.point }];
    return {
      stores: JSON.stringify(stores),
      'cluster.localMember': name,
      'schedule.cron': `*/${everySeconds} * * * * *`,
      'schedule.retryDelay': '1s',
      'schedule.retryDelayMax': '1s',
      'log.level': 'debug',
    };
  }

  #launch(name: string, place: Workplace): Promise<RunningDaemon> {
    const { program, skewMs } = this.#options;
    const ahead = { m1: skewMs, m3: -skewMs }[name] ?? 0;
    return startDaemonProcess(place, { program, nodeArgs: skewedBy(ahead) });
  }

  #lastWords(): string {
    const wordsOf = ({ name, daemon }: Seat) => {
      const told = daemon.lines.slice(-4).map(({ time, msg }) => `${time} ${msg}`);
      return `${name}: ${told.join(' | ')}`;
    };
    return this.seats.map(wordsOf).join('; ');
  }

  #firsts(): { readonly seat: Seat; readonly slot: number; readonly line: LogLine }[] {
    return this.seats.flatMap((seat) =>
      seat.daemon
        .of('turn-drawn')
        .filter(({ rank }) => rank === 0)
        .map((line) => ({ seat, slot: slotOf(line), line })),
    );
  }
}

function slotOf(line: LogLine): number {
  return Date.parse(String(line['slot']));
}

/** Words for Node.js: a program whose wall clock is wrong, while its timers are right. */
function skewedBy(ms: number): readonly string[] {
  const code = `
    const Right = Date;
    globalThis.Date = class Date extends Right {
      constructor(...given) {
        given.length === 0 ? super(Right.now() + ${ms}) : super(...given);
      }
      static now() {
        return Right.now() + ${ms};
      }
    };`;
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
}
