/**
 * The story of a scrub: what the stores list is held against their manifests, a share of the
 * copies is read to the last byte, and what is damaged is replaced by what another store holds.
 *
 * Its memory is in the manifests alone. It may be ended at any moment and begun anew.
 */
import type { BackupId } from '../core/backup.ts';
import { type Failure, toFailure } from '../core/errors.ts';
import type { ScrubResult } from '../core/events.ts';
import { isDamage, lastRead } from '../core/reading.ts';
import type { EngineDeps } from './deps.ts';
import { tellEveryBytes } from './read-back.ts';
import { repairCopy } from './repair.ts';
import { type DeadStore, type ScrubTask, type ScrubWanted, surveyScrub } from './survey-scrub.ts';
import { noteDamage, type VerifyDeps, verifyBackup } from './verify.ts';

export type { ScrubWanted } from './survey-scrub.ts';

export type ScrubDeps = VerifyDeps & Pick<EngineDeps, 'shelves' | 'openCatalog' | 'clusterName'>;

export type CopyVerdict =
  | { readonly outcome: 'passed' }
  /** It was damaged; `from` is the store whose copy it now is. */
  | { readonly outcome: 'repaired'; readonly from: string; readonly failure: Failure }
  | { readonly outcome: 'damaged'; readonly failure: Failure }
  /** The way to it failed, which says nothing about what is stored. */
  | { readonly outcome: 'unread'; readonly failure: Failure };

type Found = Exclude<CopyVerdict, { readonly outcome: 'repaired' }>;

export type ScrubbedCopy = CopyVerdict & { readonly store: string; readonly backup: BackupId };

export interface ScrubReport {
  readonly result: ScrubResult;
  readonly copies: readonly ScrubbedCopy[];
  /** They could not be listed, or died while they were read. */
  readonly dead: readonly DeadStore[];
}

interface Limits {
  readonly signal: AbortSignal;
}

/**
 * Scrubs the stores side by side; whatever happens to one stops no other. Only an abort is thrown.
 */
export async function scrubStores(
  wanted: ScrubWanted,
  deps: ScrubDeps,
  { signal }: Limits,
): Promise<ScrubReport> {
  const startedMs = performance.now();
  const { tasks, dead } = await surveyScrub(wanted, deps, signal);
  const lost = [...dead];
  const copies: ScrubbedCopy[] = [];
  const scrub = new Scrub(wanted, tasks, deps, signal);
  const stores = [...new Set(tasks.map(({ catalog }) => catalog.store.name))];
  deps.observe({ kind: 'scrub-started', stores, ...scrub.extent });
  await Promise.allSettled(
    stores.map(async (store) => {
      for (const task of tasks.filter(({ catalog }) => catalog.store.name === store)) {
        const verdict = await scrub.judge(task);
        if (verdict === undefined) continue;
        copies.push({ store, backup: task.id, ...verdict });
        const death = verdict.outcome === 'unread' ? await deathOf(task, signal) : undefined;
        if (death === undefined) continue;
        deps.observe({ kind: 'catalog-unreadable', ...death });
        lost.push(death);
        return;
      }
    }),
  );
  signal.throwIfAborted();
  const count = (outcome: CopyVerdict['outcome']): number =>
    copies.filter((copy) => copy.outcome === outcome).length;
  const counts = {
    damaged: count('damaged'),
    repaired: count('repaired'),
    unread: count('unread'),
  };
  const result = resultOf(counts, lost.length);
  const tookMs = Math.round(performance.now() - startedMs);
  const read = copies.length - counts.unread;
  deps.observe({ kind: 'scrub-finished', result, read, ...counts, tookMs });
  return { result, copies, dead: lost };
}

function resultOf(
  counts: { readonly damaged: number; readonly repaired: number; readonly unread: number },
  dead: number,
): ScrubResult {
  if (counts.damaged > 0) return 'damaged';
  if (counts.unread + dead > 0) return 'unread';
  return counts.repaired > 0 ? 'repaired' : 'clean';
}

/** Reading each copy of a store that died would take minutes of retries, copy by copy. */
async function deathOf(
  { catalog }: ScrubTask,
  signal: AbortSignal,
): Promise<DeadStore | undefined> {
  const { store } = catalog;
  try {
    for await (const _ of store.list('', { signal })) break;
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return { store: store.name, failure: toFailure(error, 'store-failed') };
  }
}

class Scrub {
  readonly extent: { readonly copies: number; readonly totalBytes: number };
  readonly #wanted: ScrubWanted;
  readonly #deps: ScrubDeps;
  readonly #signal: AbortSignal;
  readonly #readBytes = new Map<ScrubTask, number>();
  #doneBytes = 0;
  #toldBytes = 0;

  constructor(
    wanted: ScrubWanted,
    tasks: readonly ScrubTask[],
    deps: ScrubDeps,
    signal: AbortSignal,
  ) {
    this.#wanted = wanted;
    this.#deps = deps;
    this.#signal = signal;
    const totalBytes = tasks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    this.extent = { copies: tasks.length, totalBytes };
  }

  /** Undefined: retention removed it meanwhile, or another daemon has read it. Throws aborts. */
  async judge(task: ScrubTask): Promise<CopyVerdict | undefined> {
    this.#signal.throwIfAborted();
    const found = await this.#read(task);
    this.#advance(task, task.sizeBytes);
    if (found === undefined || found.outcome === 'passed') return found;
    const about = { store: task.catalog.store.name, id: task.id, failure: found.failure };
    if (found.outcome === 'unread') {
      this.#deps.observe({ kind: 'backup-unread', ...about });
      return found;
    }
    this.#deps.observe({ kind: 'backup-damaged', ...about });
    if (!this.#wanted.repair) return found;
    const from = await repairCopy(task, found.failure, this.#deps, { signal: this.#signal });
    return from === undefined ? found : { outcome: 'repaired', from, failure: found.failure };
  }

  async #read(task: ScrubTask): Promise<Found | undefined> {
    const { catalog, id } = task;
    const options = { signal: this.#signal };
    const onProgress = (done: number): void => this.#advance(task, done);
    try {
      if (task.failure !== undefined) throw task.failure;
      if (await this.#wasRead(task)) return undefined;
      const how = { ...options, deep: false, onProgress };
      const { failure } = await verifyBackup(catalog, id, this.#deps, how);
      return failure === undefined ? { outcome: 'passed' } : { outcome: 'damaged', failure };
    } catch (error) {
      this.#signal.throwIfAborted();
      const failure = toFailure(error, 'store-failed');
      if (failure.code === 'backup-missing') return undefined;
      if (!isDamage(failure)) return { outcome: 'unread', failure };
      await noteDamage(catalog, id, failure, this.#deps, options);
      return { outcome: 'damaged', failure };
    }
  }

  /** By another daemon that scrubs the same store. */
  async #wasRead({ catalog, id, readAt }: ScrubTask): Promise<boolean> {
    const at = lastRead(await catalog.find(id, { signal: this.#signal }));
    return at !== undefined && (readAt === undefined || at > readAt);
  }

  /** A second reading is no progress. */
  #advance(task: ScrubTask, readBytes: number): void {
    const before = this.#readBytes.get(task) ?? 0;
    const now = Math.max(before, Math.min(readBytes, task.sizeBytes));
    this.#readBytes.set(task, now);
    this.#doneBytes += now - before;
    if (now < task.sizeBytes && this.#doneBytes - this.#toldBytes < tellEveryBytes) return;
    this.#toldBytes = this.#doneBytes;
    const { totalBytes } = this.extent;
    this.#deps.observe({ kind: 'scrub-advanced', doneBytes: this.#doneBytes, totalBytes });
  }
}
