/**
 * Brings messages to their targets. Telling costs nothing and never throws; each target has a queue
 * and a pace of its own, so that a dead one holds up nobody, and its messages arrive in order.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, toFailure } from '../core/errors.ts';
import type { Observe } from '../core/events.ts';
import type { Notice } from '../core/notice.ts';
import { type Outgoing, post } from './post.ts';

export interface Target {
  readonly name: string;
  readonly wants: (kind: Notice['kind']) => boolean;
  /** Reads what it needs at each use; throws where that is wrong, and then it is not sent. */
  readonly write: (notice: Notice) => Outgoing;
  readonly retries: number;
}

export interface CourierOptions {
  /** Hears of each message how it ended. */
  readonly observe: Observe;
  /** The pause before the second try; each further one is twice as long. */
  readonly firstPauseMs?: number;
  /** How long the end waits for what is under way. */
  readonly drainLimitMs?: number;
}

export interface Courier extends AsyncDisposable {
  readonly tell: (notice: Notice) => void;
}

const longestQueue = 100;
const longestPauseMs = 60_000;

export function openCourier(targets: readonly Target[], options: CourierOptions): Courier {
  const { drainLimitMs = 15_000 } = options;
  const end = new AbortController();
  const queues = targets.map((target) => new Queue(target, options, end.signal));
  return {
    tell: (notice) => {
      for (const queue of queues) queue.add(notice);
    },
    async [Symbol.asyncDispose]() {
      const timer = setTimeout(() => end.abort(), drainLimitMs);
      await Promise.all(queues.map((queue) => queue.settled));
      clearTimeout(timer);
    },
  };
}

interface Trouble {
  readonly failure: Failure;
  readonly again: boolean;
}

class Queue {
  /** Until nothing waits. */
  settled: Promise<void> = Promise.resolve();
  readonly #target: Target;
  readonly #options: CourierOptions;
  readonly #end: AbortSignal;
  readonly #waiting: Notice[] = [];
  #isWorking = false;

  constructor(target: Target, options: CourierOptions, end: AbortSignal) {
    this.#target = target;
    this.#options = options;
    this.#end = end;
  }

  add(notice: Notice): void {
    if (!this.#target.wants(notice.kind)) return;
    this.#waiting.push(notice);
    if (this.#waiting.length > longestQueue) {
      // The oldest: what is true now matters more than what was.
      const dropped = this.#waiting.shift() as Notice;
      this.#fail(dropped, 0, failed(`more than ${longestQueue} messages wait for it`));
    }
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.settled = this.#work();
  }

  async #work(): Promise<void> {
    // Whoever tells is not kept waiting, not even for a file to be read.
    await Promise.resolve();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await this.#deliver(next);
    }
    this.#isWorking = false;
  }

  async #deliver(notice: Notice): Promise<void> {
    const { name, retries, write } = this.#target;
    for (let attempts = 1; ; attempts += 1) {
      const trouble = await this.#try(() => write(notice));
      if (trouble === undefined) {
        const { observe } = this.#options;
        return observe({ kind: 'notice-delivered', target: name, notice: notice.kind, attempts });
      }
      const { failure, again } = trouble;
      const isLast = !again || attempts > retries || !(await this.#pause(attempts));
      if (isLast) return this.#fail(notice, attempts, failure);
    }
  }

  async #try(write: () => Outgoing): Promise<Trouble | undefined> {
    const over = { failure: failed('the program ended before it could be told'), again: false };
    if (this.#end.aborted) return over;
    try {
      const { taken, detail, again } = await post(write(), this.#end);
      if (taken) return undefined;
      return this.#end.aborted ? over : { failure: failed(detail), again };
    } catch (thrown) {
      return { failure: toFailure(thrown), again: false };
    }
  }

  /** False where the end has come meanwhile. */
  async #pause(attempts: number): Promise<boolean> {
    const { firstPauseMs = 1000 } = this.#options;
    const pauseMs = Math.min(firstPauseMs * 2 ** (attempts - 1), longestPauseMs);
    return sleep(pauseMs, true, { signal: this.#end }).catch(() => false);
  }

  #fail(notice: Notice, attempts: number, failure: Failure): void {
    const { name: target } = this.#target;
    const { observe } = this.#options;
    observe({ kind: 'notice-failed', target, notice: notice.kind, attempts, failure });
  }
}

function failed(message: string): Failure {
  return new Failure('notify-failed', message);
}
