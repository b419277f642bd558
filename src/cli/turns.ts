/** Whether the daemon of a configuration takes turns with others, and has the time for it. */
import type { Config } from '../config/config.ts';
import type { LoadedConfig } from '../config/load.ts';
import { formatDuration } from '../core/units.ts';
import { gapsAfter, parseSchedule } from '../daemon/schedule.ts';
import { longestGrace } from '../daemon/turns.ts';

/** A daemon that is not told its member may be the only one: it waits for nobody. */
export function takesTurns({ cluster, stores }: Config): boolean {
  return cluster.localMember !== null && stores.some(({ shared }) => shared);
}

/** Nothing is said about the default, which is shortened as well: nobody has asked for it. */
export function graceWarnings({ config, settings }: LoadedConfig, now: Date): readonly string[] {
  const { cron, timezone, graceMs } = config.schedule;
  const given = settings.find(({ key }) => key === 'schedule.grace');
  if (given?.origin === 'default' || !takesTurns(config)) return [];
  const daemons = config.cluster.endpoints.length;
  const gapMs = Math.min(...gapsAfter(parseSchedule({ cron, timezone }), now));
  const roomMs = Math.floor(longestGrace(daemons, gapMs));
  if (graceMs <= roomMs) return [];
  const found = `due times ${formatDuration(gapMs)} apart leave ${formatDuration(roomMs)}`;
  return [`schedule.grace: ${found} for each of ${daemons} daemons: it is shortened to that`];
}
