import { Failure, systemCode } from '../core/errors.ts';

/** Any fault of the disk under a data directory as `restore-full` or `restore-failed`. */
export function datadirFailure(error: unknown, doing: string): Failure {
  if (error instanceof Failure) {
    // The snapshot was written straight into the data directory: there is no spool to look at.
    if (error.code === 'spool-full') return again('restore-full', error);
    return error.code === 'spool-failed' ? again('restore-failed', error) : error;
  }
  const code = systemCode(error);
  const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
  const reason = error instanceof Error ? error.message : String(error);
  return new Failure(full ? 'restore-full' : 'restore-failed', `cannot ${doing}: ${reason}`, {
    cause: error,
  });
}

function again(code: 'restore-full' | 'restore-failed', failure: Failure): Failure {
  const { message, context, cause } = failure;
  return new Failure(code, message, { context, cause });
}
