/** Whether the due times of scrubs are enough for what scrubs promise. */
import type { Config } from '../config/config.ts';
import { formatDuration } from '../core/units.ts';
import { parseSchedule } from '../daemon/schedule.ts';
import { longestGap } from '../daemon/scrubs.ts';

/** A promise that no scrub can keep: its alert would tell the truth for ever. */
export function paceWarnings(
  { scrub: { cron, withinMs }, schedule: { timezone } }: Config,
  now: Date,
): readonly string[] {
  if (cron === null) return [];
  const gapMs = longestGap(parseSchedule({ cron, timezone }), now);
  if (gapMs <= withinMs) return [];
  const [gap, within] = [formatDuration(gapMs), formatDuration(withinMs)];
  return [`scrub.within: ${within} cannot be kept: scrub.cron leaves ${gap} between two scrubs`];
}
