/** All series that a store has: they are there from the first scrape, and go with the store. */
import { proofNames } from '../core/backup.ts';
import { copyResults } from './copy-metrics.ts';
import type { MetricSet } from './metric-events.ts';

interface Kept {
  remove(labels: Record<string, string>): void;
}

export interface StoreSeries {
  begin(store: string): void;
  forget(store: string): void;
}

export function storeSeries(set: MetricSet): StoreSeries {
  const gauges = (store: string) => [
    ...[set.lastSuccess, set.revision, set.backups, set.bytes, set.faults, set.up].map(
      (gauge) => [gauge, { store }] as const,
    ),
    ...[set.missing, set.damaged, set.oldestRead].map((gauge) => [gauge, { store }] as const),
    ...proofNames.map((proof) => [set.lastProof, { store, proof }] as const),
    ...['raw', 'sealed'].map((kind) => [set.sizes, { store, kind }] as const),
  ];
  const counters = (store: string) => [
    [set.pruned, { store }] as const,
    ...copyResults.map((result) => [set.copies, { store, result }] as const),
  ];
  return {
    begin(store) {
      for (const [gauge, labels] of gauges(store)) gauge.set(labels as never, 0);
      for (const [counter, labels] of counters(store)) counter.inc(labels as never, 0);
    },
    forget(store) {
      for (const [series, labels] of [...gauges(store), ...counters(store)]) {
        (series as Kept).remove(labels);
      }
    },
  };
}
