/**
 * Restores that the daemon is asked for: one at a time, each remembered with its end. They run
 * beside the backups, because who needs a restore cannot wait for one.
 */
import { Failure, toFailure } from '../core/errors.ts';
import type { Event, Observe } from '../core/events.ts';
import {
  type RestoreRecord,
  type RestoreReport,
  type RestoreStep,
  restoreSteps,
} from '../core/restore.ts';
import { requireWithin } from '../datadir/place.ts';
import type { Wanted } from '../engine/candidates.ts';
import type { RestoreAsked } from '../engine/plan-restore.ts';
import type { WorkOptions } from './job.ts';

export interface RestoresDeps {
  /** Folders that data directories may be restored below; none: nowhere. */
  readonly roots: readonly string[];
  readonly restore: (
    wanted: Wanted,
    asked: RestoreAsked,
    options: WorkOptions,
  ) => Promise<RestoreReport>;
  readonly observe: Observe;
  readonly now: () => Date;
  /** Keeps the ids of restores apart that start in one second. */
  readonly suffix: () => string;
}

const mostRemembered = 20;

export class Restores implements AsyncDisposable {
  readonly #deps: RestoresDeps;
  readonly #abort = new AbortController();
  /** By id, the oldest first. */
  readonly #records = new Map<string, RestoreRecord>();
  #running: { readonly record: RestoreRecord; readonly ended: Promise<void> } | undefined;

  constructor(deps: RestoresDeps) {
    this.#deps = deps;
  }

  /**
   * Begins a restore and returns. Throws `restore-refused` outside of the roots and while another
   * one runs, and `stopped` once it is closed.
   */
  async begin(wanted: Wanted, asked: RestoreAsked): Promise<RestoreRecord> {
    await this.#requireAllowed(asked.dataDir);
    // Nothing is waited for from here on: of two at once only one finds that nothing runs.
    this.#abort.signal.throwIfAborted();
    this.#requireIdle();
    const startedAt = this.#deps.now();
    const { dataDir, dryRun } = asked;
    const record: RestoreRecord = {
      id: `${startedAt.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${this.#deps.suffix()}`,
      state: 'running',
      stage: 'choose',
      progress: null,
      dataDir,
      dryRun,
      startedAt,
      endedAt: null,
      report: null,
      failure: null,
    };
    this.#remember(record);
    const ended = this.#run(record.id, wanted, asked).finally(() => {
      this.#running = undefined;
    });
    this.#running = { record, ended };
    return record;
  }

  /** Newest first. */
  list(): readonly RestoreRecord[] {
    return [...this.#records.values()].reverse();
  }

  find(id: string): RestoreRecord | undefined {
    return this.#records.get(id);
  }

  /**
   * Begins nothing any more, aborts what runs, and resolves when nothing of it is left. An abort
   * comes too late for a restore that has taken its place: its programs are let finish.
   */
  async close(): Promise<void> {
    this.#abort.abort(new Failure('stopped', 'the daemon is stopping'));
    await this.#running?.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #requireAllowed(dataDir: string): Promise<void> {
    const { roots } = this.#deps;
    if (roots.length > 0) return await requireWithin(dataDir, roots);
    throw new Failure('restore-refused', 'the configuration allows restores over the API nowhere', {
      hint: 'Set restore.roots to the folders that data directories may be restored below.',
    });
  }

  #requireIdle(): void {
    if (this.#running === undefined) return;
    const { id, dataDir } = this.#running.record;
    throw new Failure('restore-refused', `restore ${id} into ${dataDir} is still running`, {
      hint: `One at a time. GET /v1/restores/${id} tells when it has ended.`,
    });
  }

  /** Never rejects: the record tells how it ended. */
  async #run(id: string, wanted: Wanted, asked: RestoreAsked): Promise<void> {
    const { signal } = this.#abort;
    const observe: Observe = (event) => {
      this.#change(id, changesBy(event));
      this.#deps.observe(event);
    };
    try {
      const report = await this.#deps.restore(wanted, asked, { signal, observe });
      this.#change(id, { state: 'succeeded', stage: null, report });
    } catch (error) {
      this.#change(id, { state: 'failed', failure: failureOf(error, signal) });
    }
    this.#change(id, { endedAt: this.#deps.now() });
  }

  #remember(record: RestoreRecord): void {
    this.#records.set(record.id, record);
    const [oldest] = this.#records.keys();
    if (this.#records.size > mostRemembered) this.#records.delete(oldest as string);
  }

  #change(id: string, changes: Partial<RestoreRecord>): void {
    const record = this.#records.get(id);
    if (record !== undefined) this.#records.set(id, { ...record, ...changes });
  }
}

function changesBy(event: Event): Partial<RestoreRecord> {
  switch (event.kind) {
    case 'restore-step-finished':
      return { stage: stepAfter(event.step) };
    case 'restore-advanced':
      return { progress: { doneBytes: event.doneBytes, totalBytes: event.totalBytes } };
    case 'restore-passed-over':
      // The next candidate begins anew, with its own bytes.
      return { stage: 'preflight', progress: null };
    default:
      return {};
  }
}

function stepAfter(step: RestoreStep): RestoreStep {
  return restoreSteps[restoreSteps.indexOf(step) + 1] ?? step;
}

/** What aborted work throws is its stop, where it has no word for it. */
function failureOf(thrown: unknown, signal: AbortSignal): Failure {
  if (thrown instanceof Failure || !signal.aborted) return toFailure(thrown);
  return new Failure('stopped', 'the restore was aborted', { cause: thrown });
}
