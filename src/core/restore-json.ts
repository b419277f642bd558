/** Restores as JSON, with the same shape on the command line and in the admin API. */
import type { RestoreRecord, RestoreReport } from './restore.ts';

export function reportJson(report: RestoreReport): unknown {
  const passedOver = report.passedOver.map(({ backup, failure }) => {
    return { backup, code: failure.code, message: failure.message };
  });
  return { ...report, passedOver };
}

export function recordJson({ report, failure, ...record }: RestoreRecord): unknown {
  const problem = failure && { code: failure.code, detail: failure.message, hint: failure.hint };
  return { ...record, report: report && reportJson(report), problem };
}
