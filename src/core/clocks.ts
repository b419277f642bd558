/**
 * Clocks of the hosts of one cluster differ; etcd itself complains from one second on. What a
 * neighbour wrote whose clock is minutes ahead is good; what is dated further ahead shows a wrong
 * clock, and counts for nothing until its time has come.
 */
export const clockToleranceMs = 5 * 60_000;

/** Whether a time is further ahead than clocks may differ. */
export function isAhead(time: Date, now: Date): boolean {
  return time.getTime() > now.getTime() + clockToleranceMs;
}
