import { Failure, systemCode } from '../core/errors.ts';

/** Any fault of the spool's disk as `spool-full` or `spool-failed`. */
export function spoolFailure(error: unknown, doing: string): Failure {
  if (error instanceof Failure) return error;
  const code = systemCode(error);
  const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
  const reason = error instanceof Error ? error.message : String(error);
  return new Failure(full ? 'spool-full' : 'spool-failed', `cannot ${doing}: ${reason}`, {
    cause: error,
  });
}
