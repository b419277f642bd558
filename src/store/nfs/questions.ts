/**
 * What is said between the store of type nfs and the process that works on its mount. Each question
 * is answered by one answer: so silence is the time since the last question, and neither side can
 * run ahead of the other by more than a chunk.
 */
import type { CarriedFailure } from '../../core/carried-failure.ts';
import type { ObjectName } from '../../core/names.ts';
import type { ByteRange, Examined, ObjectFacts, PutFacts } from '../port.ts';

/** Begins a call. */
export type Request =
  | { kind: 'put'; name: ObjectName; onlyNew: boolean }
  | { kind: 'get'; name: ObjectName; range: ByteRange | undefined }
  | { kind: 'stat'; name: ObjectName }
  | { kind: 'list'; prefix: string }
  | { kind: 'remove'; name: ObjectName }
  | { kind: 'sweep'; olderThan: Date }
  | { kind: 'examine'; probe: ObjectName };

export type Question =
  | Request
  /** To a put that asked for the next of its body. */
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'end'; sizeBytes: number }
  /** To a get or a list: the next of what it gives. */
  | { kind: 'more' }
  /** To any call: end now. Needs no turn, and is answered by how the call ended. */
  | { kind: 'stop' };

export type Answer =
  | { kind: 'next' }
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'facts'; facts: readonly ObjectFacts[] }
  | Final;

/** Nothing comes after it. */
export type Final =
  | { kind: 'done'; value?: PutFacts | ObjectFacts | Examined | number }
  | { kind: 'failed'; failure: CarriedFailure };

/** The number of no call: under it a process says that it is up. */
export const greeting = 0;

/** Calls are told apart by their number. */
export interface Asked {
  readonly call: number;
  readonly question: Question;
}

export interface Answered {
  readonly call: number;
  readonly answer: Answer;
}

export function isFinal(answer: Answer): answer is Final {
  return answer.kind === 'done' || answer.kind === 'failed';
}
