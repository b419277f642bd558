/**
 * Which backups a policy keeps, and why. Pure: it plans, `engine/prune` acts.
 *
 * What holds for every input: the newest proved backup and `minimum` proved ones are kept; only
 * proved backups count; backups from the future are neither counted nor removed; what one rule
 * keeps, no other rule takes away; planning again over what was kept removes nothing.
 */
import type { BackupId } from './backup.ts';
import { isAhead } from './clocks.ts';
import { Failure } from './errors.ts';
import { isProved, type Manifest } from './manifest.ts';
import { type PeriodKeys, type PeriodName, periodNames, periodsIn } from './periods.ts';
import { formatDuration } from './units.ts';

/** A rule that is absent or 0 is off. With every rule off, everything is kept. */
export interface RetentionPolicy {
  /** The newest so many. */
  readonly keepLast?: number | undefined;
  /** All that are at most this much older than the newest one. */
  readonly keepWithinMs?: number | undefined;
  /** The newest one of each of so many periods that have a backup. */
  readonly hourly?: number | undefined;
  readonly daily?: number | undefined;
  readonly weekly?: number | undefined;
  readonly monthly?: number | undefined;
  readonly yearly?: number | undefined;
  /** No plan leaves fewer proved backups, if there are so many. Not a rule: it only adds. */
  readonly minimum?: number | undefined;
}

/** When the store lets go of an object; a legal hold ends when somebody lifts it. */
export type LockEnd = Date | 'legal hold';

export interface RetentionItem {
  readonly id: BackupId;
  readonly startedAt: Date;
  readonly proved: boolean;
  /** The reason of the hold, null without one. */
  readonly held: string | null;
  /** The store itself refuses to remove it before. */
  readonly lockedUntil?: LockEnd;
}

export interface RetentionDecision {
  readonly id: BackupId;
  readonly startedAt: Date;
  readonly keep: boolean;
  /** At least one, for people. */
  readonly reasons: readonly string[];
}

/** Every backup once, newest first. */
export type RetentionPlan = readonly RetentionDecision[];

export interface RetentionFrame {
  readonly now: Date;
  /** Where days, weeks, months and years begin. */
  readonly timezone: string;
}

interface Entry {
  readonly item: RetentionItem;
  readonly reasons: string[];
}

export function retentionItem(manifest: Manifest): RetentionItem {
  const { id, startedAt, hold } = manifest;
  return { id, startedAt, proved: isProved(manifest), held: hold === null ? null : hold.reason };
}

export function planRetention(
  items: readonly RetentionItem[],
  policy: RetentionPolicy,
  frame: RetentionFrame,
): RetentionPlan {
  const entries = newestFirst(items, frame.now).map((item): Entry => ({ item, reasons: [] }));
  const future = entries.filter(({ item }) => isAhead(item.startedAt, frame.now));
  const present = entries.filter(({ item }) => !isAhead(item.startedAt, frame.now));
  const counted = present.filter(({ item }) => item.proved);

  for (const entry of future) entry.reasons.push('from the future: not counted, not removed');
  keepHeld(entries);
  counted[0]?.reasons.push('newest proved backup');
  keepByRules(entries, counted, policy, frame.timezone);
  keepMinimum(counted, count(policy.minimum));
  keepUnproved(present, count(policy.minimum));
  keepLocked(entries, frame.now);
  return entries.map(toDecision);
}

function newestFirst(items: readonly RetentionItem[], now: Date): RetentionItem[] {
  for (const time of [now, ...items.map((item) => item.startedAt)]) {
    // Every comparison with such a time is false, and a plan made of them would be anything.
    if (Number.isNaN(time.getTime())) throw new Failure('internal', 'retention by no valid time');
  }
  return items.toSorted((left, right) => {
    const later = right.startedAt.getTime() - left.startedAt.getTime();
    return later !== 0 ? later : left.id < right.id ? 1 : -1;
  });
}

function keepHeld(entries: readonly Entry[]): void {
  for (const { item, reasons } of entries) {
    if (item.held !== null) reasons.push(`held: ${item.held}`);
  }
}

/** Last, so that what only its lock keeps takes the place of no other in the minimum. */
function keepLocked(entries: readonly Entry[], now: Date): void {
  for (const { item, reasons } of entries) {
    const { lockedUntil } = item;
    if (lockedUntil === 'legal hold') reasons.push('locked by a legal hold');
    else if (lockedUntil !== undefined && lockedUntil > now) {
      reasons.push(`locked until ${lockedUntil.toISOString()}`);
    }
  }
}

function keepByRules(
  entries: readonly Entry[],
  counted: readonly Entry[],
  policy: RetentionPolicy,
  timezone: string,
): void {
  const periods = periodNames.filter((name) => count(policy[name]) > 0);
  const withinMs = count(policy.keepWithinMs);
  if (count(policy.keepLast) === 0 && withinMs === 0 && periods.length === 0) {
    for (const { reasons } of entries) reasons.push('no rule is set: everything is kept');
    return;
  }
  keepLast(counted, count(policy.keepLast));
  keepWithin(counted, withinMs);
  const keysOf = periodsIn(timezone);
  const keys = counted.map(({ item }) => keysOf(item.startedAt));
  for (const name of periods) keepPeriods(counted, keys, name, count(policy[name]));
}

// Anything that is no positive number is a rule that is off: off removes nothing.
function count(rule: number | undefined): number {
  return rule !== undefined && rule > 0 ? rule : 0;
}

function keepLast(counted: readonly Entry[], last: number): void {
  for (const [index, { reasons }] of counted.entries()) {
    if (index < last) reasons.push(`last ${index + 1} of ${last}`);
  }
}

// Measured from the newest backup and not from now: a cluster that was away for a month, or a
// clock that jumped a year ahead, must not make every backup too old at once.
function keepWithin(counted: readonly Entry[], withinMs: number): void {
  const newest = counted[0];
  if (newest === undefined || withinMs === 0) return;
  const oldestMs = newest.item.startedAt.getTime() - withinMs;
  for (const { item, reasons } of counted) {
    if (item.startedAt.getTime() >= oldestMs) {
      reasons.push(`within ${formatDuration(withinMs)} of the newest`);
    }
  }
}

/**
 * The newest of a period stays: it holds what the period came to, and a period that is not over
 * yet moves on by itself. Periods without a backup use nothing up, so a pause of the daemon costs
 * nothing. While periods are still wanted, the oldest backup stays too: otherwise a young history
 * would have only its newest point in every long period.
 */
function keepPeriods(
  counted: readonly Entry[],
  keys: readonly PeriodKeys[],
  name: PeriodName,
  wanted: number,
): void {
  // A set, not the last key: a clock that is put back over midnight visits one day twice.
  const seen = new Set<string>();
  for (const [index, { reasons }] of counted.entries()) {
    const key = keys[index]?.[name] ?? '';
    if (seen.has(key) || seen.size >= wanted) continue;
    seen.add(key);
    reasons.push(`${name} ${key} (${seen.size} of ${wanted})`);
  }
  const oldest = counted.at(-1);
  if (seen.size < wanted && oldest !== undefined) {
    oldest.reasons.push(`oldest, while ${name} has ${seen.size} of ${wanted}`);
  }
}

/** Newest first, on top of whatever else kept some. */
function keepMinimum(counted: readonly Entry[], minimum: number): void {
  let missing = minimum - counted.filter(isKept).length;
  for (const entry of counted) {
    if (missing <= 0) return;
    if (isKept(entry)) continue;
    entry.reasons.push(`one of the minimum of ${minimum} proved backups`);
    missing -= 1;
  }
}

/**
 * A backup that lost its proof never counts, so no rule keeps it; it is a last resort until
 * enough proved ones are newer. Those newer ones may go in the same plan, except the newest.
 */
function keepUnproved(present: readonly Entry[], minimum: number): void {
  const enough = Math.max(1, minimum);
  let newerProved = 0;
  for (const { item, reasons } of present) {
    if (item.proved) newerProved += 1;
    else if (newerProved < enough) {
      const newer = enough === 1 ? 'a proved backup is' : `${enough} proved backups are`;
      reasons.push(`not proved: kept until ${newer} newer`);
    }
  }
}

function isKept(entry: Entry): boolean {
  return entry.reasons.length > 0;
}

function toDecision(entry: Entry): RetentionDecision {
  const { id, startedAt, proved } = entry.item;
  const keep = isKept(entry);
  const removal = proved ? 'no rule keeps it' : 'not proved, and proved backups are newer';
  return { id, startedAt, keep, reasons: keep ? entry.reasons : [removal] };
}
