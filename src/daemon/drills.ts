/**
 * Drills on a schedule of their own. Backups come first: a drill would take memory and disk from
 * one, so it gives way to it, leaves nothing, and is done again after it.
 */
import type { Failure } from '../core/errors.ts';
import type { Observe } from '../core/events.ts';
import { DueTimes } from './due-times.ts';
import { beginJob, type Job, type WorkOptions } from './job.ts';
import type { Schedule } from './schedule.ts';

export interface DrillPlan {
  /** Undefined: only by request. */
  readonly schedule: Schedule | undefined;
  /** Tells its own end, well or badly; throws only when it is aborted. */
  readonly run: (options: WorkOptions) => Promise<unknown>;
}

export interface DrillsDeps {
  readonly observe: Observe;
  readonly now: () => Date;
}

export class Drills {
  readonly #plan: DrillPlan | undefined;
  readonly #deps: DrillsDeps;
  readonly #dueTimes: DueTimes | undefined;
  #isDue = false;
  #next: Date | undefined;
  /** Of the drill that runs. */
  #abort: AbortController | undefined;

  constructor(plan: DrillPlan | undefined, deps: DrillsDeps) {
    this.#plan = plan;
    this.#deps = deps;
    this.#dueTimes = plan?.schedule && new DueTimes(plan.schedule, 0, deps.now());
  }

  get isRunning(): boolean {
    return this.#abort !== undefined;
  }

  request(): 'accepted' | 'already-queued' {
    if (this.#isDue || this.isRunning) return 'already-queued';
    this.#isDue = true;
    return 'accepted';
  }

  /** Notes what has become due. A drill that runs is the answer to what falls due meanwhile. */
  look(): void {
    const dueTimes = this.#dueTimes;
    if (dueTimes === undefined) return;
    const now = this.#deps.now();
    if (dueTimes.look(now) !== undefined && !this.isRunning) this.#isDue = true;
    this.#announce(dueTimes, now);
  }

  /** Begins the drill that is due, if one is. */
  begin(options: WorkOptions & { readonly ended: () => void }): Job | undefined {
    const plan = this.#plan;
    if (plan === undefined || !this.#isDue) return undefined;
    const abort = new AbortController();
    this.#abort = abort;
    this.#isDue = false;
    const signal = AbortSignal.any([options.signal, abort.signal]);
    return beginJob('the drill', plan.run, {
      observe: options.observe,
      signal,
      ended: (outcome) => {
        this.#abort = undefined;
        const gaveWay = 'failure' in outcome && abort.signal.aborted;
        if (gaveWay) this.#comeBack();
        else if ('failure' in outcome && !signal.aborted) this.#tellFault(outcome.failure);
        options.ended();
      },
    });
  }

  /** Ends the drill that runs, so that a backup can begin. */
  giveWay(): void {
    this.#abort?.abort();
  }

  #announce(dueTimes: DueTimes, now: Date): void {
    const at = dueTimes.actsAt;
    if (at.getTime() === this.#next?.getTime()) return;
    this.#next = at;
    const expectedSince = dueTimes.expectedSince(now);
    this.#deps.observe({ kind: 'next-drill-scheduled', at, expectedSince });
  }

  #comeBack(): void {
    this.#isDue = true;
    const detail = 'a backup was due; the drill is done again after it';
    this.#deps.observe({ kind: 'drill-skipped', reason: 'backup-due', detail });
  }

  #tellFault(failure: Failure): void {
    this.#deps.observe({ kind: 'drill-failed', backup: null, store: null, failure });
  }
}
