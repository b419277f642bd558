/** A Failure without its class, which does not survive the way between threads and processes. */
import { Failure, type FailureCode, type FailureContext, toFailure } from './errors.ts';

export interface CarriedFailure {
  readonly code: FailureCode;
  readonly message: string;
  readonly hint: string;
  readonly context: FailureContext;
  readonly cause: string | undefined;
}

/** `code` is that of what was thrown without being a Failure. */
export function carry(thrown: unknown, code?: FailureCode): CarriedFailure {
  const { message, hint, context, cause, ...failure } = toFailure(thrown, code);
  const because = cause === undefined ? undefined : String(cause);
  return { code: failure.code, message, hint, context, cause: because };
}

export function revive({ code, message, hint, context, cause }: CarriedFailure): Failure {
  return new Failure(code, message, { hint, context, cause });
}
