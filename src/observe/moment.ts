/** Times as people read them. For sentences only: fields carry ISO text, metrics seconds. */
import { formatDuration } from '../core/units.ts';

/** `2026-11-20 16:00:00Z`; `never` for a date that is none. */
export function timeText(at: Date): string {
  if (Number.isNaN(at.getTime())) return 'never';
  return at
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
}

/** With how far ahead it is, where it is ahead: `2026-11-20 16:00:00Z, in 30s`. */
export function momentText(at: Date, now: Date): string {
  const aheadMs = at.getTime() - now.getTime();
  return aheadMs > 0 ? `${timeText(at)}, in ${formatDuration(aheadMs)}` : timeText(at);
}
