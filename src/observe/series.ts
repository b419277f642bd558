/** Makes metrics and prints them. The only file that knows prom-client. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Value {
  readonly set: (value: number) => void;
  readonly inc: () => void;
}

export interface Labelled<L extends string> {
  readonly set: (labels: Record<L, string>, value: number) => void;
  readonly inc: (labels: Record<L, string>) => void;
  readonly remove: (labels: Record<L, string>) => void;
}

export interface Tally<L extends string> {
  readonly inc: (labels: Record<L, string>, by?: number) => void;
  readonly remove: (labels: Record<L, string>) => void;
}

/** Names are given without the prefix that all of them have. */
export interface Series {
  gauge<L extends string = never>(name: string, help: string, labels?: readonly L[]): Gauge<L>;
  counter<L extends string>(name: string, help: string, labels: readonly L[]): Counter<L>;
  histogram<L extends string>(
    name: string,
    help: string,
    labels: readonly L[],
    buckets: readonly number[],
  ): Histogram<L>;
  /** The page that Prometheus scrapes. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** `ofProcess`: memory, CPU and event loop of the process as well. */
export function openSeries({ ofProcess }: { readonly ofProcess: boolean }): Series {
  const registry = new Registry();
  const registers = [registry];
  if (ofProcess) collectDefaultMetrics({ register: registry });
  const named = (name: string) => `etcd_backup_${name}`;
  return {
    gauge: (name, help, labelNames = []) => {
      return new Gauge({ name: named(name), help, labelNames, registers });
    },
    counter: (name, help, labelNames) => {
      return new Counter({ name: named(name), help, labelNames, registers });
    },
    histogram: (name, help, labelNames, buckets) => {
      const all = [...buckets];
      return new Histogram({ name: named(name), help, labelNames, registers, buckets: all });
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** Whole seconds; 0 for no time at all. */
export function unixSeconds(at: Date | null | undefined): number {
  const seconds = Math.floor((at?.getTime() ?? 0) / 1000);
  return Number.isFinite(seconds) ? seconds : 0;
}
