/** Parts of reports that several of them have. */
import type { Failure } from '../core/errors.ts';
import { failureFields } from './fields.ts';
import type { FailureReport } from './status-report.ts';

export function failureReport(failure: Failure, at: Date): FailureReport {
  const { message, hint } = failureFields(failure, { stacks: false });
  return {
    at: at.toISOString(),
    code: failure.code,
    message: String(message),
    hint: String(hint),
  };
}

/** ISO text; a date that is none must not break the daemon, so it is shown as 1970. */
export function isoText(at: Date): string {
  return new Date(Number.isNaN(at.getTime()) ? 0 : at.getTime()).toISOString();
}
