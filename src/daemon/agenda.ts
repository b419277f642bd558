/**
 * What is to be done next: a slot that is due, a request, a failed run to try again. Each is
 * remembered once, and one run answers all that was asked for before it began.
 */
import type { Failure } from '../core/errors.ts';
import type { Trigger } from '../core/events.ts';
import type { BackupOrder } from '../engine/order.ts';

export interface Due {
  readonly trigger: Extract<Trigger, 'schedule' | 'catch-up' | 'start'>;
  readonly slot: Date | null;
}

/** Slots that came before the one that is due, and get no run of their own. */
export interface Passed {
  readonly oldest: Date;
  readonly count: number;
  readonly reason: string;
}

export interface Retry {
  readonly order: BackupOrder;
  /** On the clock of `performance.now()`: a jump of the wall clock does not move it. */
  readonly atMs: number;
  readonly failure: Failure;
}

export interface Taken {
  readonly order: BackupOrder;
  readonly passed: Passed | undefined;
  /** A retry that this order makes needless. */
  readonly replaced: Retry | undefined;
}

export class Agenda {
  /** Due times may be skipped as unchanged; whoever asks for a backup gets one. */
  skipUnchangedMs: number;
  #due: Due | undefined;
  #passed: Passed | undefined;
  /** Somebody asked for a backup, changed or not. */
  #asked = false;
  #retry: Retry | undefined;
  /** Until when the due slot is left to others, on the clock of `performance.now()`. */
  #heldUntilMs: number | undefined;

  constructor(skipUnchangedMs: number) {
    this.skipUnchangedMs = skipUnchangedMs;
  }

  get hasDue(): boolean {
    return this.#due !== undefined;
  }

  /** `reason` tells why earlier slots, in `earlier` or noted before, get no run. */
  noteDue(due: Due, earlier?: { oldest: Date; count: number } | undefined, reason = ''): void {
    if (due.trigger === 'start') this.#asked = true;
    const before = this.#due;
    if (before !== undefined && (before.slot ?? 0) > (due.slot ?? 0)) return;
    const left = before?.trigger === 'schedule' ? before.slot : null;
    const oldest = this.#passed?.oldest ?? left ?? earlier?.oldest;
    const count = (this.#passed?.count ?? 0) + (left === null ? 0 : 1) + (earlier?.count ?? 0);
    if (oldest !== undefined) {
      this.#passed = { oldest, count, reason: this.#passed?.reason ?? reason };
    }
    this.#due = due;
    this.#heldUntilMs = undefined;
  }

  /** Leaves the due slot to others until then; a run after that looks for what they did. */
  holdDue(slot: Date, untilMs: number): void {
    if (this.#due?.slot?.getTime() === slot.getTime()) this.#heldUntilMs = untilMs;
  }

  noteRetry(retry: Retry): void {
    this.#retry = retry;
  }

  request(): 'accepted' | 'already-queued' {
    if (this.#asked) return 'already-queued';
    this.#asked = true;
    return 'accepted';
  }

  /** Whether `take` would give something. */
  isReady(nowMs: number): boolean {
    return this.#orderAt(nowMs) !== undefined;
  }

  take(nowMs: number): Taken | undefined {
    const order = this.#orderAt(nowMs);
    if (order === undefined) return undefined;
    const replaced = order.attempt === 1 ? this.#retry : undefined;
    const taken = { order, passed: this.#passed, replaced };
    this.#due = undefined;
    this.#heldUntilMs = undefined;
    this.#passed = undefined;
    this.#asked = false;
    this.#retry = undefined;
    return taken;
  }

  #orderAt(nowMs: number): BackupOrder | undefined {
    const due = this.#due;
    const retry = this.#retry;
    const heldUntilMs = this.#heldUntilMs;
    if (due !== undefined) {
      // Who asks neither waits for others nor makes do with what they did.
      if (this.#asked) return { ...due, attempt: 1, skipUnchangedMs: 0 };
      if (heldUntilMs !== undefined && heldUntilMs > nowMs) return undefined;
      const unlessAnswered = heldUntilMs !== undefined;
      return { ...due, attempt: 1, skipUnchangedMs: this.skipUnchangedMs, unlessAnswered };
    }
    if (this.#asked) {
      // Asked for while a retry waits: it answers the retry's slot as well.
      const slot = retry?.order.slot ?? null;
      return { trigger: 'request', slot, attempt: 1, skipUnchangedMs: 0 };
    }
    return retry !== undefined && retry.atMs <= nowMs ? retry.order : undefined;
  }
}
