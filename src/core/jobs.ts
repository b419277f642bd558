/** The words of a job: work of the daemon that one can ask for, watch and look up. */
import type { Failure } from './errors.ts';

export const jobKinds = ['backup', 'verify', 'scrub', 'heal', 'drill'] as const;
export type JobKind = (typeof jobKinds)[number];

/** `succeeded`: all that was wanted came of it. `failed`: not all; the failure says why. */
export const jobStates = ['queued', 'running', 'succeeded', 'failed'] as const;
export type JobState = (typeof jobStates)[number];

export type JobFacts = Readonly<Record<string, unknown>>;

export interface JobRecord {
  readonly id: string;
  readonly kind: JobKind;
  readonly state: JobState;
  /** What it is about, where the kind does not tell. */
  readonly subject: JobFacts | null;
  /** Null: nobody asked, it was due. */
  readonly askedAt: Date | null;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  /** Of a backup or a drill: the step that it is at, or that it ended in. */
  readonly step: string | null;
  readonly progress: { readonly doneBytes: number; readonly totalBytes: number } | null;
  /** What came of it; null before its end, and where it broke. */
  readonly outcome: JobFacts | null;
  readonly failure: Failure | null;
}

/** How a job ended that ran to its end. */
export interface JobEnd {
  readonly outcome: JobFacts;
  /** Why not all that was wanted came of it. */
  readonly failure?: Failure | undefined;
}

export function jobJson({ failure, ...job }: JobRecord): unknown {
  const problem = failure && { code: failure.code, detail: failure.message, hint: failure.hint };
  return { ...job, problem };
}
