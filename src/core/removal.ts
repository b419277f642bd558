/** Whether a person may have one backup removed from one store. Pure. */
import type { BackupId } from './backup.ts';
import { isAhead } from './clocks.ts';
import type { RetentionItem, RetentionPolicy } from './retention.ts';

/**
 * Why the backup has to stay; nothing: it may go. A person may remove what the rules would keep,
 * but not what is held or locked, not the newest proved one, and none of the last that count.
 * `items` are all that the store has of the cluster.
 */
export function objectionsTo(
  id: BackupId,
  items: readonly RetentionItem[],
  { minimum = 0 }: RetentionPolicy,
  now: Date,
): readonly string[] {
  const item = items.find((one) => one.id === id);
  if (item === undefined) return [];
  const objections: string[] = [];
  if (item.held !== null) objections.push(`held: ${item.held}`);
  if (item.lockedUntil === 'legal hold') objections.push('locked by a legal hold');
  else if (item.lockedUntil !== undefined && item.lockedUntil > now) {
    objections.push(`locked until ${item.lockedUntil.toISOString()}`);
  }
  // As retention counts: what is dated in the future counts for nothing.
  const counted = items
    .filter(({ proved, startedAt }) => proved && !isAhead(startedAt, now))
    .toSorted((one, other) => other.startedAt.getTime() - one.startedAt.getTime());
  if (counted[0]?.id === id) objections.push('newest proved backup');
  else if (counted.includes(item) && counted.length <= minimum) {
    objections.push(`one of the minimum of ${minimum} proved backups`);
  }
  if (counted.length === 0) objections.push('no backup is proved: it may be the last resort');
  return objections;
}
