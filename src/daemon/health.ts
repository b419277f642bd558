/** Whether the daemon does its work. A process that only answers is not alive. Pure. */
import { formatDuration } from '../core/units.ts';

export interface Health {
  readonly ok: boolean;
  /** For people; told also when all is well. */
  readonly reason: string;
}

export type DaemonState = 'starting' | 'running' | 'draining' | 'stopped';

export interface VitalSigns {
  readonly state: DaemonState;
  /** Since the loop last went round. */
  readonly beatAgeMs: number;
  readonly job: { readonly name: string; readonly quietMs: number } | undefined;
  /** Since a due time should have been acted on; not positive when none should. */
  readonly overdueMs: number;
}

// The loop goes round every second.
const longestBeatMs = 30_000;
const longestOverdueMs = 2 * 60_000;
// Long enough for a member that hashes its whole keyspace without a word.
const longestQuietMs = 15 * 60_000;

export function judgeLife(signs: VitalSigns): Health {
  const { state, beatAgeMs, job, overdueMs } = signs;
  if (state === 'stopped') return { ok: false, reason: 'stopped' };
  if (beatAgeMs > longestBeatMs) {
    return { ok: false, reason: `the loop has stood still for ${formatDuration(beatAgeMs)}` };
  }
  if (job !== undefined) {
    const quiet = formatDuration(job.quietMs);
    return job.quietMs > longestQuietMs
      ? { ok: false, reason: `${job.name} has told nothing for ${quiet}` }
      : { ok: true, reason: `${job.name} is running, last event ${quiet} ago` };
  }
  if (overdueMs > longestOverdueMs) {
    const late = formatDuration(overdueMs);
    return { ok: false, reason: `a backup has been due for ${late} and did not begin` };
  }
  return { ok: true, reason: 'waiting for the next due time' };
}

export function judgeReadiness(state: DaemonState): Health {
  const reasons: Record<DaemonState, string> = {
    starting: 'the start is being prepared',
    running: 'the schedule is armed',
    draining: 'draining: no new backup begins',
    stopped: 'stopped',
  };
  return { ok: state === 'running', reason: reasons[state] };
}
