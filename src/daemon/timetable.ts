/**
 * Which backup begins when: joins the schedule, requests and retries, and tells what comes of
 * each due time. It begins nothing itself.
 */
import type { Failure } from '../core/errors.ts';
import type { Observe } from '../core/events.ts';
import { formatDuration } from '../core/units.ts';
import type { BackupOrder } from '../engine/order.ts';
import { Agenda, type Taken } from './agenda.ts';
import { DueTimes } from './due-times.ts';
import { planRetry, type RetryRules } from './retry.ts';
import type { Schedule } from './schedule.ts';
import { type Found, planStart, type StartRules } from './startup.ts';
import { type TurnDeps, type TurnLoop, Turns } from './turns.ts';

export interface TimetableRules extends StartRules, RetryRules {
  readonly schedule: Schedule;
  /** Each due time is acted on up to this much later. */
  readonly jitterMs: number;
  readonly skipUnchanged: boolean;
  readonly maxSkipMs: number;
  /** How long the daemon before this one has for a slot. 0, and left out: there are no turns. */
  readonly graceMs?: number | undefined;
}

export interface TimetableDeps extends TurnDeps {
  readonly observe: Observe;
  readonly now: () => Date;
  /** 0 to 1; Math.random unless given. */
  readonly random?: () => number;
}

const jumpReason = 'the clock was put forward, or the machine stood still';

export class Timetable {
  #rules: TimetableRules;
  readonly #observe: Observe;
  readonly #now: () => Date;
  readonly #random: () => number;
  /** 0 to 1, of the longest jitter. */
  readonly #delayShare: number;
  #delayMs: number;
  readonly #startedAt: Date;
  #dueTimes: DueTimes;
  readonly #agenda: Agenda;
  readonly #turns: Turns;
  #next: { readonly at: Date; readonly ms: number } | undefined;

  constructor(rules: TimetableRules, deps: TimetableDeps, loop: TurnLoop) {
    this.#rules = rules;
    this.#observe = deps.observe;
    this.#now = deps.now;
    this.#random = deps.random ?? Math.random;
    this.#startedAt = deps.now();
    // Drawn once: the gaps between backups stay those of the schedule, while the daemons of many
    // clusters still spread over the time.
    this.#delayShare = this.#random();
    this.#delayMs = Math.round(rules.jitterMs * this.#delayShare);
    this.#dueTimes = new DueTimes(rules.schedule, this.#delayMs, this.#startedAt);
    this.#agenda = new Agenda(skipLimitOf(rules));
    this.#turns = new Turns(rules.graceMs ?? 0, deps, loop);
  }

  /** Goes on by other rules. What was asked for, is due or waits for a retry stays. */
  follow(rules: TimetableRules, deps: TurnDeps): void {
    this.#rules = rules;
    this.#delayMs = Math.round(rules.jitterMs * this.#delayShare);
    this.#dueTimes = this.#dueTimes.follow(rules.schedule, this.#delayMs, this.#now());
    this.#agenda.skipUnchangedMs = skipLimitOf(rules);
    this.#turns.follow(rules.graceMs ?? 0, deps);
    this.#next = undefined;
  }

  request(): 'accepted' | 'already-queued' {
    return this.#agenda.request();
  }

  /** Notes what has become due. `busy` names what runs, if something does. */
  look(busy: string | undefined): void {
    const due = this.#dueTimes.look(this.#now());
    if (due === undefined) return;
    const reason = busy === undefined ? jumpReason : `${busy} was running`;
    this.#agenda.noteDue({ trigger: 'schedule', slot: due.slot }, due.missed, reason);
    this.#hold(due.slot);
  }

  /** Makes up for what was missed before the start. */
  begin({ preparation, lastSuccess }: Found): void {
    if (preparation !== undefined) {
      this.#observe({ kind: 'preparation-failed', failure: preparation });
    }
    const now = this.#now();
    const slot = this.#dueTimes.newest(this.#startedAt);
    const { due, missed } = planStart(slot, lastSuccess, this.#rules, now);
    if (missed !== undefined) this.#observe({ kind: 'slot-missed', ...missed });
    if (due !== undefined) this.#agenda.noteDue(due);
    if (due?.trigger === 'catch-up' && due.slot !== null) this.#hold(due.slot);
    // The next slot may have been answered already: by a daemon here that drew less jitter.
    if (lastSuccess instanceof Date && lastSuccess <= now) this.#dueTimes.answer(lastSuccess);
  }

  announce(): void {
    const at = this.#dueTimes.actsAt;
    if (at.getTime() === this.#next?.at.getTime()) return;
    const now = this.#now();
    const waitMs = at.getTime() - now.getTime();
    this.#next = { at, ms: performance.now() + waitMs };
    const reason = this.#delayMs === 0 ? 'schedule' : `schedule, ${this.#delayText} later`;
    const expectedSince = this.#dueTimes.expectedSince(now);
    this.#observe({ kind: 'next-run-scheduled', at, reason, expectedSince });
  }

  /** Whether a backup would begin now. */
  get isReady(): boolean {
    return this.#agenda.isReady(performance.now());
  }

  /** The backup that begins now, if one does. */
  take(): BackupOrder | undefined {
    const taken = this.#agenda.take(performance.now());
    if (taken !== undefined) this.#tell(taken);
    return taken?.order;
  }

  /** Tries again, or says why not. */
  noteFailure(order: BackupOrder, failure: Failure): void {
    const { attempt, slot } = order;
    const now = this.#now().getTime();
    const untilNextMs = this.#dueTimes.actsAt.getTime() - now;
    const nextInMs = this.#agenda.hasDue ? 0 : untilNextMs;
    const plan = planRetry({ failure, attempt, nextInMs }, this.#rules, this.#random);
    if ('ended' in plan) {
      const reason = plan.ended;
      this.#observe({ kind: 'retries-ended', slot, attempts: attempt, failure, reason });
      return;
    }
    const again: BackupOrder = { ...order, trigger: 'retry', attempt: plan.attempt };
    this.#agenda.noteRetry({ order: again, atMs: performance.now() + plan.delayMs, failure });
    const attempts = this.#rules.retries + 1;
    const at = new Date(now + plan.delayMs);
    this.#observe({ kind: 'retry-scheduled', at, attempt: plan.attempt, attempts, failure });
  }

  /** Since the next due time should have been noted; not positive when it lies ahead. */
  get overdueMs(): number {
    if (this.#next === undefined) return 0;
    // By both clocks: a jump of the wall clock is no delay, and is dealt with within a second.
    const lateMs = this.#now().getTime() - this.#next.at.getTime();
    return Math.min(lateMs, performance.now() - this.#next.ms);
  }

  /** Leaves the slot to those whose turn it is first. */
  #hold(slot: Date): void {
    const nextInMs = this.#dueTimes.actsAt.getTime() - this.#now().getTime();
    this.#turns.draw(slot, nextInMs, (untilMs) => this.#agenda.holdDue(slot, untilMs));
  }

  #tell({ order, passed, replaced }: Taken): void {
    if (passed !== undefined) {
      const { oldest, count, reason } = passed;
      const text = `${reason}; ${count === 1 ? 'it is' : `${count} are`} made up for by one backup`;
      this.#observe({ kind: 'slot-missed', slot: oldest, reason: text });
    }
    if (replaced !== undefined) {
      const { failure } = replaced;
      const { slot, attempt } = replaced.order;
      const reason = order.trigger === 'request' ? 'a backup was asked for' : 'a due time came';
      this.#observe({ kind: 'retries-ended', slot, attempts: attempt - 1, failure, reason });
    }
  }

  get #delayText(): string {
    return formatDuration(this.#delayMs);
  }
}

function skipLimitOf({ skipUnchanged, maxSkipMs }: TimetableRules): number {
  return skipUnchanged ? maxSkipMs : 0;
}
