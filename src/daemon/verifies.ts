/**
 * Verifications that the daemon is asked for, as a chore: they wait in the order in which they
 * came, and each is done once.
 */
import type { BackupId, ClusterId } from '../core/backup.ts';
import type { JobEnd } from '../core/jobs.ts';
import type { Chore } from './chores.ts';
import type { WorkOptions } from './job.ts';
import type { Asked, Jobs } from './jobs.ts';

export interface VerifyOrder {
  readonly backup: BackupId;
  /** Undefined: every store that has it. */
  readonly store: string | undefined;
  readonly cluster: ClusterId | undefined;
  /** Walks the database again, page by page. */
  readonly deep: boolean;
}

export interface VerifiesDeps {
  readonly jobs: Jobs;
  readonly verify: (order: VerifyOrder, options: WorkOptions) => Promise<JobEnd>;
}

// Whoever asks for more than this wants a scrub.
const mostWaiting = 20;

export class Verifies {
  readonly chore: Chore;
  readonly #deps: VerifiesDeps;
  /** By the id of the job; the one that runs is the first. */
  readonly #waiting = new Map<string, VerifyOrder>();

  constructor(deps: VerifiesDeps) {
    this.#deps = deps;
    this.chore = {
      name: 'verify',
      isDue: () => this.#waiting.size > 0,
      run: (options) => this.#runFirst(options),
      gaveWay: (detail) => ({ kind: 'verify-gave-way', detail }),
      broke: (failure) => ({ kind: 'verify-failed', failure }),
    };
  }

  /** What is asked for twice is done once. Undefined: too many wait already. */
  ask(order: VerifyOrder): Asked | undefined {
    const { jobs } = this.#deps;
    for (const [id, known] of this.#waiting) {
      const job = jobs.find(id);
      if (job !== undefined && isSame(known, order)) return { status: 'already-running', job };
    }
    if (this.#waiting.size >= mostWaiting) return undefined;
    const { backup, store = null, deep } = order;
    const job = jobs.queue('verify', { backup, store, deep });
    this.#waiting.set(job.id, order);
    return { status: 'accepted', job };
  }

  async #runFirst(options: WorkOptions): Promise<Record<string, never>> {
    const [first] = this.#waiting;
    if (first === undefined) return {};
    const [id, order] = first;
    const { jobs, verify } = this.#deps;
    try {
      await jobs.run(
        id,
        (work) => verify(order, work),
        (end) => end,
        options,
      );
    } finally {
      // Where it gave way to a backup it waits again, still as the first.
      if (jobs.find(id)?.state !== 'queued') this.#waiting.delete(id);
    }
    return {};
  }
}

function isSame(one: VerifyOrder, other: VerifyOrder): boolean {
  const { backup, store, cluster, deep } = one;
  return (
    backup === other.backup &&
    store === other.store &&
    cluster === other.cluster &&
    deep === other.deep
  );
}
