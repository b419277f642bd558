/** What counting needs of a metric: the package that keeps it is known to metrics.ts alone. */

export interface Value {
  readonly set: (value: number) => void;
  readonly inc: () => void;
}

export interface Labelled<L extends string> {
  readonly set: (labels: Record<L, string>, value: number) => void;
}

export interface Tally<L extends string> {
  readonly inc: (labels: Record<L, string>, by?: number) => void;
}

/** Whole seconds; 0 for no time at all. */
export function unixSeconds(at: Date | undefined): number {
  const seconds = Math.floor((at?.getTime() ?? 0) / 1000);
  return Number.isFinite(seconds) ? seconds : 0;
}
