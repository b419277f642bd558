/**
 * How much may be asked at a time. One caller that asks without pause must not keep the others
 * from their answers, nor the stores from their work, and nobody may try tokens at the speed of
 * the machine. Probes and metrics are never counted: a daemon under load is not a dead one.
 */
import { type Problem, requestProblem } from './problem.ts';

export interface Refusal {
  readonly problem: Problem;
  readonly headers: Record<string, string>;
}

// A person with a script and a dashboard are far below it.
const callsPerSecond = 50;
const callsAtOnce = 100;
// Enough for whoever mistypes; at this pace nobody finds a token.
const wrongTokensPerSecond = 1;
const wrongTokensAtOnce = 10;
// Each reads every manifest of every store.
const heavyAtOnce = 4;
const heavyRetryAfter = '2';

export class Limits {
  readonly #calls: Bucket;
  readonly #wrongTokens: Bucket;
  #heavy = 0;

  /** `nowMs` never goes back. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#calls = new Bucket(callsPerSecond, callsAtOnce, nowMs);
    this.#wrongTokens = new Bucket(wrongTokensPerSecond, wrongTokensAtOnce, nowMs);
  }

  /**
   * Asked before a token is looked at: where too many from this address were wrong, the right one
   * is not looked at either, or guessing would go on at full speed.
   */
  refuseToken(address: string): Refusal | undefined {
    const detail = 'too many calls with a wrong token came from this address';
    return refusal(this.#wrongTokens.waitMs(address), detail);
  }

  countWrongToken(address: string): void {
    this.#wrongTokens.take(address);
  }

  /** Counts a call. Callers with a token are not kept waiting by those without. */
  refuseCall(address: string, caller: string): Refusal | undefined {
    const waitMs = this.#calls.take(`${caller} ${address}`);
    return refusal(waitMs, `more than ${callsPerSecond} calls in a second came from this caller`);
  }

  /** Does what is heavy, unless too much of it is done already. */
  async heavily<T>(work: () => Promise<T>): Promise<T | Refusal> {
    if (this.#heavy >= heavyAtOnce) {
      const problem = requestProblem('busy', `${heavyAtOnce} calls are reading the stores already`);
      return { problem, headers: { 'retry-after': heavyRetryAfter } };
    }
    this.#heavy += 1;
    try {
      return await work();
    } finally {
      this.#heavy -= 1;
    }
  }
}

function refusal(waitMs: number, detail: string): Refusal | undefined {
  if (waitMs <= 0) return undefined;
  const headers = { 'retry-after': String(Math.ceil(waitMs / 1000)) };
  return { problem: requestProblem('too-many-calls', detail), headers };
}

// So that many addresses cost little memory.
const mostKnown = 5000;

/** So many at once, and then so many in a second, for each key. */
class Bucket {
  readonly #eachMs: number;
  readonly #fullMs: number;
  readonly #nowMs: () => number;
  /** When the bucket of a key is full again. */
  readonly #fullAt = new Map<string, number>();

  constructor(perSecond: number, atOnce: number, nowMs: () => number) {
    this.#eachMs = 1000 / perSecond;
    this.#fullMs = this.#eachMs * atOnce;
    this.#nowMs = nowMs;
  }

  /** How long until one can be taken; 0: now. */
  waitMs(key: string): number {
    const missingMs = (this.#fullAt.get(key) ?? 0) - this.#nowMs();
    return Math.max(0, missingMs + this.#eachMs - this.#fullMs);
  }

  /** The same, and takes one where it is 0. */
  take(key: string): number {
    const waitMs = this.waitMs(key);
    if (waitMs > 0) return waitMs;
    const now = this.#nowMs();
    const fullAt = Math.max(this.#fullAt.get(key) ?? 0, now) + this.#eachMs;
    // Last in the map: the first ones are those that were not heard of for the longest time.
    this.#fullAt.delete(key);
    this.#fullAt.set(key, fullAt);
    const [oldest] = this.#fullAt.keys();
    if (this.#fullAt.size > mostKnown) this.#fullAt.delete(oldest as string);
    return 0;
  }
}
