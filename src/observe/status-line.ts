/** The state of the daemon in one line, for `systemctl status` and the like. */
import type { StatusReport } from './status-report.ts';

export function statusLine(report: StatusReport): string {
  return [doing(report), lastOf(report), troubles(report)].filter((part) => part !== '').join('; ');
}

function doing({ state, run, retry, nextRun }: StatusReport): string {
  if (run !== null)
    return `backup running (${run.step})${state === 'draining' ? ', draining' : ''}`;
  if (state !== 'running') return state;
  const next = [retry?.at, nextRun?.at].filter((at) => at !== undefined).toSorted()[0];
  return next === undefined ? state : `next backup ${toSecond(next)}`;
}

function lastOf({ lastRun }: StatusReport): string {
  if (lastRun === null) return '';
  const { result, id, finishedAt } = lastRun;
  return `last ${result} ${toSecond(finishedAt)}${id === null ? '' : `, backup ${id}`}`;
}

function troubles({ consecutiveFailures, lastFailure, stores, config }: StatusReport): string {
  const unreadable = stores.filter(({ readable }) => readable === false).map(({ name }) => name);
  const failed =
    consecutiveFailures === 0
      ? []
      : [`${consecutiveFailures} failed in a row (${lastFailure?.code ?? 'unknown'})`];
  const lost = unreadable.length === 0 ? [] : [`cannot read store ${unreadable.join(', ')}`];
  const refused = config.refused === null ? [] : ['the new configuration was refused'];
  return [...failed, ...lost, ...refused].join('; ');
}

function toSecond(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z');
}
