/**
 * The one error class and its closed list of codes. A code decides the exit status, what a person
 * is told to do and whether a retry can help; it is a metric label and holds no text of the moment.
 */

import { type FailureCode, failureTable } from './failure-table.ts';

export { type FailureCode, failureTable } from './failure-table.ts';

export const failureCodes = Object.keys(failureTable) as readonly FailureCode[];

/** Facts for logs: ids, paths, sizes. Never a secret. */
export type FailureContext = Readonly<Record<string, string | number | bigint | boolean | null>>;

export interface FailureOptions {
  readonly cause?: unknown;
  readonly context?: FailureContext;
  /** Replaces the code's hint where the place of the failure knows better. */
  readonly hint?: string;
}

export class Failure extends Error {
  readonly code: FailureCode;
  readonly context: FailureContext;
  readonly hint: string;

  /** The message: lower case, what and where, no full stop, no secret. */
  constructor(code: FailureCode, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'Failure';
    this.code = code;
    this.context = options.context ?? {};
    this.hint = options.hint ?? failureTable[code].hint;
  }

  get exitCode(): number {
    return failureTable[this.code].exit;
  }

  get retryable(): boolean {
    return failureTable[this.code].retryable;
  }
}

/** Any thrown value as a Failure: a Failure as it is, everything else under `code`. */
export function toFailure(thrown: unknown, code: FailureCode = 'internal'): Failure {
  if (thrown instanceof Failure) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new Failure(code, message, { cause: thrown });
}

export { systemCode } from './system-errors.ts';
