/**
 * What the daemon was asked for, does and has done, for whoever asked and wants to know what came
 * of it. The loop decides what runs and when; this only keeps the book.
 */
import { Failure, toFailure } from '../core/errors.ts';
import type { Event, Observe } from '../core/events.ts';
import type { JobEnd, JobFacts, JobKind, JobRecord } from '../core/jobs.ts';
import type { WorkOptions } from './job.ts';

export interface JobsDeps {
  readonly now: () => Date;
  /** Keeps the ids of jobs apart that are noted in one second. */
  readonly suffix: () => string;
}

export interface Asked {
  readonly status: 'accepted' | 'already-running';
  /** The job that answers the request. */
  readonly job: JobRecord;
}

const mostRemembered = 100;

export class Jobs {
  readonly #deps: JobsDeps;
  /** By id, the oldest first. */
  readonly #records = new Map<string, JobRecord>();

  constructor(deps: JobsDeps) {
    this.#deps = deps;
  }

  /** Newest first. */
  list(): readonly JobRecord[] {
    return [...this.#records.values()].reverse();
  }

  find(id: string): JobRecord | undefined {
    return this.#records.get(id);
  }

  /**
   * Asks the daemon for work of a kind of which it remembers one request. Throws what the request
   * throws, and notes nothing then.
   */
  ask(kind: JobKind, request: () => 'accepted' | 'already-queued'): Asked {
    const answer = request();
    if (answer === 'accepted') return { status: answer, job: this.queue(kind) };
    const job = this.#open(kind, 'queued') ?? this.#open(kind, 'running') ?? this.queue(kind);
    return { status: 'already-running', job };
  }

  /** Notes what was asked for and has not begun. */
  queue(kind: JobKind, subject: JobFacts | null = null): JobRecord {
    return this.#note(kind, { subject, askedAt: this.#deps.now() });
  }

  /** The work, written down whenever it is done: under the request that it answers, if any. */
  follow<T>(
    kind: JobKind,
    work: (options: WorkOptions) => Promise<T>,
    judge: (value: T) => JobEnd,
  ): (options: WorkOptions) => Promise<T> {
    return (options) => {
      const { id } = this.#open(kind, 'queued') ?? this.#note(kind, {});
      return this.run(id, work, judge, options);
    };
  }

  /** Does the work of a job. Where it gave way to something else, the job waits again. */
  async run<T>(
    id: string,
    work: (options: WorkOptions) => Promise<T>,
    judge: (value: T) => JobEnd,
    { signal, observe }: WorkOptions,
  ): Promise<T> {
    const noted: Observe = (event) => {
      this.#change(id, changesBy(event));
      observe(event);
    };
    this.#change(id, { state: 'running', startedAt: this.#deps.now() });
    try {
      const value = await work({ signal, observe: noted });
      const { outcome, failure = null } = judge(value);
      this.#end(id, { state: failure === null ? 'succeeded' : 'failed', outcome, failure });
      return value;
    } catch (error) {
      if (gaveWay(signal)) {
        const anew = { startedAt: null, step: null, progress: null };
        this.#change(id, { state: 'queued', ...anew });
      } else this.#end(id, { state: 'failed', failure: failureOf(error, signal) });
      throw error;
    }
  }

  #open(kind: JobKind, state: 'queued' | 'running'): JobRecord | undefined {
    return [...this.#records.values()].find((job) => job.kind === kind && job.state === state);
  }

  #note(kind: JobKind, known: Partial<JobRecord>): JobRecord {
    const time = this.#deps
      .now()
      .toISOString()
      .replaceAll(/[-:]|\.\d+/g, '');
    const record: JobRecord = {
      id: this.#freeId(time),
      kind,
      state: 'queued',
      subject: null,
      askedAt: null,
      startedAt: null,
      endedAt: null,
      step: null,
      progress: null,
      outcome: null,
      failure: null,
      ...known,
    };
    this.#records.set(record.id, record);
    this.#forgetOldest();
    return record;
  }

  #freeId(time: string): string {
    for (;;) {
      const id = `${time}-${this.#deps.suffix()}`;
      if (!this.#records.has(id)) return id;
    }
  }

  /** Never one that has not ended: somebody waits for it. */
  #forgetOldest(): void {
    if (this.#records.size <= mostRemembered) return;
    const oldest = [...this.#records.values()].find(({ endedAt }) => endedAt !== null);
    if (oldest !== undefined) this.#records.delete(oldest.id);
  }

  #end(id: string, changes: Partial<JobRecord>): void {
    this.#change(id, { ...changes, endedAt: this.#deps.now() });
  }

  #change(id: string, changes: Partial<JobRecord>): void {
    const record = this.#records.get(id);
    if (record !== undefined) this.#records.set(id, { ...record, ...changes });
  }
}

function changesBy(event: Event): Partial<JobRecord> {
  const step = 'step' in event ? { step: event.step } : {};
  if (!('doneBytes' in event)) return step;
  return { ...step, progress: { doneBytes: event.doneBytes, totalBytes: event.totalBytes } };
}

/** A stop says so in its reason; what only made room for a backup is done again. */
function gaveWay({ aborted, reason }: AbortSignal): boolean {
  return aborted && !(reason instanceof Failure && reason.code === 'stopped');
}

function failureOf(thrown: unknown, signal: AbortSignal): Failure {
  if (thrown instanceof Failure || !signal.aborted) return toFailure(thrown);
  return new Failure('stopped', 'the work was aborted', { cause: thrown });
}
