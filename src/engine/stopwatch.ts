/** Measures the steps of a run for the manifest, and tells each as it ends. */
import type { BackupStep, Observe } from '../core/events.ts';

export class Stopwatch {
  readonly #observe: Observe;
  readonly #steps: Record<string, number> = {};

  constructor(observe: Observe) {
    this.#observe = observe;
  }

  /** Runs `work` as `step`. A step that throws is not told: its run's failure is. */
  async time<T>(step: BackupStep, work: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    const result = await work();
    const tookMs = Math.round(performance.now() - startedMs);
    this.#steps[step] = (this.#steps[step] ?? 0) + tookMs;
    this.#observe({ kind: 'step-finished', step, tookMs });
    return result;
  }

  /** Milliseconds per step so far. */
  get steps(): Readonly<Record<string, number>> {
    return { ...this.#steps };
  }
}
