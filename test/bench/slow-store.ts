/**
 * How long a member has to stream while one of the stores takes 1 MB/s, against a run without that
 * store, in turn. BENCH_BYTES (default 256 MiB), BENCH_ROUNDS (5), BENCH_RATE (1000000 per second).
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { takeBackup } from '../../src/engine/backup.ts';
import type { Shelf } from '../../src/engine/deps.ts';
import { limitRate } from '../../src/store/limit-rate.ts';
import { cluster } from '../support/etcd.ts';
import { worker, workplace } from '../support/house.ts';
import { copying } from '../support/slow-store.ts';
import { fill } from '../support/workload.ts';

const bytes = Number(process.env['BENCH_BYTES'] ?? 256 * 1024 ** 2);
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);
const upload = Number(process.env['BENCH_RATE'] ?? 1_000_000);

await using etcd = await cluster('3.5');
const { sizeBytes } = await fill(etcd, { bytes, valueBytes: 1200 });
console.log(`etcd ${etcd.binaries.version}, ${(sizeBytes / 1024 ** 2).toFixed(0)} MiB`);

using place = workplace(etcd);
const slowDir = join(place.dir, 'slow');
let takenBytes = 0;
const slow = copying(slowDir, (count) => {
  takenBytes += count;
});

const drains: { readonly alone: number; readonly beside: number }[] = [];
for (let round = 0; round <= rounds; round += 1) {
  const [alone, beside] = [await drainMs(false), await drainMs(true)];
  // The first round warms up.
  if (round > 0) drains.push({ alone, beside });
}
const ratios = drains.map(({ alone, beside }) => beside / alone);
for (const which of ['alone', 'beside'] as const) {
  const ms = median(drains.map((drain) => drain[which]));
  console.log(`${which === 'alone' ? 'without' : 'with'} the slow store: drained in ${ms} ms`);
}
const [low, high] = [Math.min(...ratios).toFixed(2), Math.max(...ratios).toFixed(2)];
console.log(`with / without: median ${median(ratios).toFixed(2)} (${low} to ${high})`);

/** Of a run that ends as soon as the quick store has the backup. */
async function drainMs(withSlow: boolean): Promise<number> {
  for (const dir of [place.storeDir, slowDir]) {
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir, { mode: 0o700 });
  }
  takenBytes = 0;
  const stop = new AbortController();
  const enough = new Error('the quick store has it');
  await using engine = worker(place, ({ kind }) => {
    if (kind === 'backup-committed') stop.abort(enough);
  });
  const [quick] = engine.deps.shelves as [Shelf];
  const limited = { ...quick, store: limitRate(slow, { upload, download: null }) };
  const deps = { ...engine.deps, shelves: withSlow ? [limited, quick] : [quick] };
  const order = { trigger: 'request', slot: null, attempt: 1, skipUnchangedMs: 0 } as const;
  await takeBackup(order, deps, { signal: stop.signal }).catch((thrown: unknown) => {
    if (thrown !== enough) throw thrown;
  });
  const [drained] = engine.of('snapshot-drained');
  if (drained === undefined || takenBytes > drained.sizeBytes / 2) {
    throw new Error(`the slow store was not slow: it took ${takenBytes} bytes`);
  }
  return drained.tookMs;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
