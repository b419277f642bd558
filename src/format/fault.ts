/** How every fault of a snapshot file is told: where it is, what is wrong, and the numbers. */
import { Failure, type FailureContext } from '../core/errors.ts';

export function fileFault(message: string, context: FailureContext = {}): Failure {
  return new Failure('snapshot-corrupt', message, { context });
}

export function pageFault(page: number, reason: string, context: FailureContext = {}): Failure {
  return fileFault(`page ${page}: ${reason}`, { page, ...context });
}
