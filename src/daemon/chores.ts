/**
 * Work in the background, each on a schedule of its own: drills and their like. One runs at a
 * time. Backups come first: a chore would take memory, disk and network from one, so it gives way,
 * and is done again after it.
 */
import { Failure } from '../core/errors.ts';
import type { Event, Observe, RunResult } from '../core/events.ts';
import { DueTimes } from './due-times.ts';
import { beginJob, type Job, type Outcome, type WorkOptions } from './job.ts';
import type { Schedule } from './schedule.ts';

export interface Chore {
  /** One word; what it is asked for by, and "the ..." for people. Unique. */
  readonly name: string;
  /** Left out: only by request, and by what `after` says. */
  readonly schedule?: Schedule | undefined;
  /** Whether something waits for it; looked at every second. */
  readonly isDue?: () => boolean;
  /** Whether it becomes due by the end of the daemon's start, of a reload, or of a run. */
  readonly after?: (end: ChoreCause) => boolean;
  /**
   * Tells its own end, well or badly; throws only when it is aborted, or broken. It must bear to
   * be aborted at any time and begun anew.
   */
  readonly run: (options: ChoreOptions) => Promise<ChoreEnd>;
  /** The event that tells that it gave way; `detail` says to what, and what happens next. */
  readonly gaveWay: (detail: string) => Event;
  /** The event that tells that it broke by a fault. */
  readonly broke: (failure: Failure) => Event;
}

export interface ChoreOptions extends WorkOptions {
  /** Whether somebody asked for it, and waits for it now. */
  readonly asked: boolean;
}

export type ChoreCause = 'start' | 'reload' | RunResult;

export interface ChoreEnd {
  /** Left out: not before it is due or asked for. */
  readonly againInMs?: number | undefined;
}

export interface ChoresDeps {
  readonly observe: Observe;
  readonly now: () => Date;
}

/** What the daemon knows of one chore. */
interface Known {
  readonly chore: Chore;
  readonly dueTimes: DueTimes | undefined;
  /** When it wants to run again, on the clock of `performance.now()`. */
  againAtMs: number;
  /** Told as the next due time. */
  told: Date | undefined;
}

export class Chores {
  readonly #deps: ChoresDeps;
  #known: ReadonlyMap<string, Known> = new Map();
  /** Names; who became due first goes first. */
  readonly #due = new Set<string>();
  /** Names of those that somebody asked for. */
  readonly #asked = new Set<string>();
  #running: { readonly name: string; readonly abort: AbortController } | undefined;

  constructor(chores: readonly Chore[], deps: ChoresDeps) {
    this.#deps = deps;
    this.#known = this.#acquaint(chores);
  }

  /**
   * Goes on with other chores, while none runs. Of those that had the same name stays what is due,
   * and when they want to run again.
   */
  follow(chores: readonly Chore[]): void {
    this.#known = this.#acquaint(chores);
    for (const names of [this.#due, this.#asked]) {
      for (const name of names) if (!this.#known.has(name)) names.delete(name);
    }
    this.note('reload');
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  request(name: string): 'accepted' | 'already-queued' {
    if (!this.#known.has(name)) throw new Failure('internal', `there is no chore ${name}`);
    if (this.#running?.name === name) return 'already-queued';
    this.#asked.add(name);
    if (this.#due.has(name)) return 'already-queued';
    this.#due.add(name);
    return 'accepted';
  }

  /** Notes what has become due. A chore that runs is the answer to what falls due meanwhile. */
  look(): void {
    for (const [name, known] of this.#known) {
      const now = this.#deps.now();
      const due = known.dueTimes?.look(now);
      const isAgain = performance.now() >= known.againAtMs || known.chore.isDue?.() === true;
      if ((due !== undefined || isAgain) && this.#running?.name !== name) this.#due.add(name);
      this.#announce(known, now);
    }
  }

  /** Notes what becomes due by the end of something else. */
  note(end: ChoreCause): void {
    for (const [name, { chore }] of this.#known) {
      if (chore.after?.(end)) this.#due.add(name);
    }
  }

  /** Begins a chore that is due, if one is. */
  begin(options: WorkOptions & { readonly ended: () => void }): Job | undefined {
    const [name = ''] = this.#due;
    const known = this.#known.get(name);
    if (known === undefined) return undefined;
    const abort = new AbortController();
    this.#running = { name, abort };
    this.#due.delete(name);
    const asked = this.#asked.delete(name);
    known.againAtMs = Number.POSITIVE_INFINITY;
    const signal = AbortSignal.any([options.signal, abort.signal]);
    return beginJob(`the ${name}`, (work) => known.chore.run({ ...work, asked }), {
      observe: options.observe,
      signal,
      ended: (outcome) => {
        this.#running = undefined;
        const gaveWay = abort.signal.aborted;
        if (gaveWay && asked) this.#asked.add(name);
        this.#end(known, outcome, { gaveWay, aborted: signal.aborted });
        options.ended();
      },
    });
  }

  /** Ends the chore that runs, so that a backup can begin. */
  giveWay(): void {
    this.#running?.abort.abort();
  }

  #acquaint(chores: readonly Chore[]): ReadonlyMap<string, Known> {
    const now = this.#deps.now();
    const known = chores.map((chore): [string, Known] => {
      const { name, schedule } = chore;
      const before = this.#known.get(name);
      const dueTimes =
        schedule && (before?.dueTimes?.follow(schedule, 0, now) ?? new DueTimes(schedule, 0, now));
      const againAtMs = before?.againAtMs ?? Number.POSITIVE_INFINITY;
      return [name, { chore, dueTimes, againAtMs, told: undefined }];
    });
    return new Map(known);
  }

  #announce(known: Known, now: Date): void {
    const { chore, dueTimes, told } = known;
    const at = dueTimes?.actsAt;
    if (dueTimes === undefined || at === undefined || at.getTime() === told?.getTime()) return;
    known.told = at;
    const expectedSince = dueTimes.expectedSince(now);
    this.#deps.observe({ kind: 'next-chore-scheduled', chore: chore.name, at, expectedSince });
  }

  #end(
    known: Known,
    outcome: Outcome<ChoreEnd>,
    by: { readonly gaveWay: boolean; readonly aborted: boolean },
  ): void {
    const { chore } = known;
    if (!('failure' in outcome)) {
      const { againInMs = Number.POSITIVE_INFINITY } = outcome.value;
      known.againAtMs = performance.now() + againInMs;
    } else if (by.gaveWay) {
      this.#due.add(chore.name);
      const detail = `a backup was due; the ${chore.name} is done again after it`;
      this.#deps.observe(chore.gaveWay(detail));
    } else if (!by.aborted) {
      this.#deps.observe(chore.broke(outcome.failure));
    }
  }
}
