/** A daemon that takes a backup only when it is asked to: nothing happens between two questions. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StatusReport } from '../../src/observe/state.ts';
import { type RunningDaemon, startDaemonProcess } from './daemon.ts';
import type { Workplace } from './house.ts';

const token = 'the-token-of-whoever-operates';
const headers = { authorization: `Bearer ${token}` };

export function startAsked(
  place: Workplace,
  settings: Record<string, string> = {},
): Promise<RunningDaemon> {
  const file = join(place.dir, 'operate-token');
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  const never = { 'schedule.cron': '0 0 1 1 *', 'schedule.catchUp': 'false' };
  const asked = { ...never, 'http.tokens.operate': file, 'log.level': 'trace' };
  return startDaemonProcess(place, { settings: { ...asked, ...settings } });
}

/** Asks for a backup and does not wait for it. */
export async function ask(daemon: RunningDaemon): Promise<void> {
  const { status } = await daemon.get('/v1/backups', { method: 'POST', headers });
  if (status !== 202) throw new Error(`the daemon took no order: ${status}`);
}

export async function statusOf(daemon: RunningDaemon): Promise<StatusReport> {
  return (await (await daemon.get('/v1/status', { headers })).json()) as StatusReport;
}
