/**
 * Compares the schedule with the clock and tells each due time once, however the clock runs: late,
 * not at all for a while, or in jumps. Told slots are those of the schedule; they are acted on
 * `delayMs` later.
 */
import type { Schedule } from './schedule.ts';

export interface DueSlot {
  /** The newest one that has come. */
  readonly slot: Date;
  /** Earlier ones that came with it: one run makes up for all. */
  readonly missed: { readonly oldest: Date; readonly count: number } | undefined;
}

// Clocks are set back by seconds all the time. A slot must not come again for that.
const smallStepMs = 60_000;
// Only for the sentence: a clock that jumps by years passes millions of slots.
const mostCounted = 1000;

export class DueTimes {
  readonly #schedule: Schedule;
  readonly #delayMs: number;
  #armed: Date;
  #lastMs: number;

  constructor(schedule: Schedule, delayMs: number, now: Date) {
    this.#schedule = schedule;
    this.#delayMs = delayMs;
    this.#lastMs = now.getTime() - delayMs;
    this.#armed = schedule.next(new Date(this.#lastMs));
  }

  /**
   * The same by another schedule and delay. It tells no slot that was told or answered before, and
   * of those that have come since the last look the newest.
   */
  follow(schedule: Schedule, delayMs: number, now: Date): DueTimes {
    const following = new DueTimes(schedule, delayMs, now);
    const done = this.#schedule.previous(new Date(this.#armed.getTime() - 1));
    const since = new Date(Math.max(this.#lastMs, done?.getTime() ?? 0));
    const due = following.newest(now);
    following.#armed = due !== undefined && due > since ? due : schedule.next(since);
    return following;
  }

  /** When the next slot is acted on. */
  get actsAt(): Date {
    return new Date(this.#armed.getTime() + this.#delayMs);
  }

  /** The newest slot that should have been acted on by now. */
  newest(now: Date): Date | undefined {
    return this.#schedule.previous(new Date(now.getTime() - this.#delayMs));
  }

  /** The last slot but one: by now two slots have been due since a backup from before it. */
  expectedSince(now: Date): Date | null {
    const last = this.newest(now);
    const before = last && this.#schedule.previous(new Date(last.getTime() - 1));
    return before ?? null;
  }

  /** Leaves out the slots up to a time at which a backup exists already. */
  answer(until: Date): void {
    if (until >= this.#armed) this.#armed = this.#schedule.next(until);
  }

  look(now: Date): DueSlot | undefined {
    const shiftedMs = now.getTime() - this.#delayMs;
    if (shiftedMs < this.#lastMs) this.#comeBack(shiftedMs);
    this.#lastMs = shiftedMs;

    if (this.#armed.getTime() > shiftedMs) return undefined;
    const oldest = this.#armed;
    const shifted = new Date(shiftedMs);
    const slot = this.#schedule.previous(shifted) ?? oldest;
    this.#armed = this.#schedule.next(shifted);
    return { slot, missed: slot > oldest ? this.#missed(oldest, slot) : undefined };
  }

  /** Without this a clock that was an hour ahead would stop the backups for an hour. */
  #comeBack(shiftedMs: number): void {
    const next = this.#schedule.next(new Date(shiftedMs + smallStepMs));
    if (next < this.#armed) this.#armed = next;
  }

  #missed(oldest: Date, newest: Date): DueSlot['missed'] {
    let count = 1;
    let slot = this.#schedule.next(oldest);
    while (slot < newest && count < mostCounted) {
      count += 1;
      slot = this.#schedule.next(slot);
    }
    return { oldest, count };
  }
}
