/**
 * Turns of several daemons that share a store: who is not the first in line for a slot waits, so
 * that those before it can do the work. A wait always ends, whoever is dead or disagrees.
 */
import type { Turn } from '../cluster/choose.ts';
import type { Observe } from '../core/events.ts';

export interface TurnDeps {
  readonly observe: Observe;
  /** Undefined: it has none, and waits for nobody. Left out: there are no turns. */
  readonly drawTurn?: (
    slot: Date,
    options: { readonly signal: AbortSignal },
  ) => Promise<Turn | undefined>;
}

export interface TurnLoop {
  /** Has the loop look again. */
  readonly wake: () => void;
  readonly signal: AbortSignal;
}

// A cluster that does not tell is no reason to wait, and its members may take seconds to say no.
export const drawLimitMs = 15_000;

export class Turns {
  #graceMs: number;
  #deps: TurnDeps;
  readonly #loop: TurnLoop;

  constructor(graceMs: number, deps: TurnDeps, loop: TurnLoop) {
    this.#graceMs = graceMs;
    this.#deps = deps;
    this.#loop = loop;
  }

  /** Draws by other rules from now on. */
  follow(graceMs: number, deps: TurnDeps): void {
    this.#graceMs = graceMs;
    this.#deps = deps;
  }

  /** Tells `hold` until when the slot is left to others, on the clock of `performance.now()`. */
  draw(slot: Date, nextInMs: number, hold: (untilMs: number) => void): void {
    const { drawTurn, observe } = this.#deps;
    const { signal, wake } = this.#loop;
    if (drawTurn === undefined || this.#graceMs === 0) return;
    const startedMs = performance.now();
    hold(startedMs + Math.min(drawLimitMs, nextInMs / 2));
    const settle = (turn: Turn | undefined): void => {
      if (signal.aborted) return;
      const waitMs = waitFor(turn, this.#graceMs, nextInMs);
      if (turn !== undefined) observe({ kind: 'turn-drawn', slot, ...turn, waitMs });
      hold(startedMs + waitMs);
      wake();
    };
    // Why nobody knows the turn is told by the run, which asks the cluster too.
    drawTurn(slot, { signal }).then(settle, () => settle(undefined));
  }
}

/** All turns come before the next slot is due, however short the schedule. */
export function waitFor(turn: Turn | undefined, graceMs: number, nextInMs: number): number {
  if (turn === undefined) return 0;
  return Math.round(turn.rank * Math.min(graceMs, longestGrace(turn.of, nextInMs)));
}

/** What each of so many daemons can have of the time until the next slot, the last one too. */
export function longestGrace(daemons: number, nextInMs: number): number {
  return Math.max(0, nextInMs) / (daemons + 1);
}
