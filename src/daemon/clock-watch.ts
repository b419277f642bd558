/** Compares the wall clock, which people and time servers set, with one that only runs. */

// More than a busy second, less than any gap between due times that matters.
const jumpMs = 2000;

export class ClockWatch {
  readonly #now: () => Date;
  #lookedMs: number;
  #wallMs: number;

  constructor(now: () => Date) {
    this.#now = now;
    this.#lookedMs = performance.now();
    this.#wallMs = now().getTime();
  }

  /** Milliseconds since the last look. */
  get ageMs(): number {
    return performance.now() - this.#lookedMs;
  }

  /** Whether the wall clock was set, or the machine slept, since the last look. */
  look(): boolean {
    const wallMs = this.#now().getTime();
    const jumpedMs = wallMs - this.#wallMs - this.ageMs;
    this.#wallMs = wallMs;
    this.#lookedMs = performance.now();
    return Math.abs(jumpedMs) > jumpMs;
  }
}
