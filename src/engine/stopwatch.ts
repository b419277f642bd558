/** Measures the steps of a run for the manifest, and tells each as it ends. */
export class Stopwatch<Step extends string> {
  readonly #tell: (step: Step, tookMs: number) => void;
  readonly #steps: Record<string, number> = {};

  constructor(tell: (step: Step, tookMs: number) => void) {
    this.#tell = tell;
  }

  /** Runs `work` as `step`. A step that throws is not told: its run's failure is. */
  async time<T>(step: Step, work: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    const result = await work();
    const tookMs = Math.round(performance.now() - startedMs);
    this.#steps[step] = (this.#steps[step] ?? 0) + tookMs;
    this.#tell(step, tookMs);
    return result;
  }

  /** Milliseconds per step so far. */
  get steps(): Readonly<Record<string, number>> {
    return { ...this.#steps };
  }
}
