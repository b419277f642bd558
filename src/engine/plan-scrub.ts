/**
 * Which copies of a store are read at a scrub. All that is known of earlier ones is in the
 * manifests, so a scrub that was interrupted, or a night that was missed, is made up by the next.
 */
import type { BackupId } from '../core/backup.ts';
import { isAhead } from '../core/clocks.ts';
import { isProved, type Manifest } from '../core/manifest.ts';
import { isDamaged, lastRead, unreadSince } from '../core/reading.ts';

/** Why a copy is read now, the most urgent first. */
export const scrubReasons = ['damaged', 'due', 'newest', 'never-read', 'share'] as const;
export type ScrubReason = (typeof scrubReasons)[number];

/** A copy as the plan sees it. */
export interface ScrubItem {
  readonly id: BackupId;
  readonly sizeBytes: number;
  readonly startedAt: Date;
  readonly proved: boolean;
  readonly damaged: boolean;
  readonly readAt: Date | undefined;
  readonly unreadSince: Date;
}

export interface ScrubPace {
  readonly now: Date;
  /** What was read after this was read by this scrub, before it was interrupted. */
  readonly since: Date;
  /** Every copy is read at least this often. */
  readonly withinMs: number;
  /** Longest time from one scrub to the next. */
  readonly periodMs: number;
}

export interface ScrubStep {
  readonly id: BackupId;
  readonly reason: ScrubReason;
}

// The next one may be missed, and the one after it does what is left.
const scrubsAhead = 2;

export function scrubItem(manifest: Manifest): ScrubItem {
  const { id, startedAt, sealed } = manifest;
  return {
    id,
    sizeBytes: sealed.sizeBytes,
    startedAt,
    proved: isProved(manifest),
    damaged: isDamaged(manifest),
    readAt: lastRead(manifest),
    unreadSince: unreadSince(manifest),
  };
}

/**
 * In the order of reading: what was found damaged, what would otherwise be read too late, and the
 * newest proved backup, which a restore would take; then a share of the rest, what was never read
 * and what was read longest ago first. What is read too late is read two scrubs ahead, so that one
 * missed scrub breaks no promise.
 */
export function planScrub(copies: readonly ScrubItem[], pace: ScrubPace): readonly ScrubStep[] {
  const judged = copies.map((copy) => judge(copy, newestProved(copies, pace.now), pace));
  const readBytes = sum(judged.filter(({ reason }) => reason === undefined));
  let leftBytes = sum(judged) / scrubsPerTurn(pace) - readBytes;
  const planned: ScrubStep[] = [];
  for (const { copy, reason } of judged.sort(byUrgency)) {
    if (reason === undefined) continue;
    const mayWait = reason === 'never-read' || reason === 'share';
    if (mayWait && leftBytes <= 0) continue;
    planned.push({ id: copy.id, reason });
    leftBytes -= copy.sizeBytes;
  }
  return planned;
}

interface Judged {
  readonly copy: ScrubItem;
  /** Undefined: read by this scrub already. */
  readonly reason: ScrubReason | undefined;
  readonly sinceMs: number;
}

function judge(copy: ScrubItem, newest: ScrubItem | undefined, pace: ScrubPace): Judged {
  const { readAt, unreadSince: since } = copy;
  const readMs = readAt && !isAhead(readAt, pace.now) ? readAt.getTime() : undefined;
  const sinceMs = readMs ?? (isAhead(since, pace.now) ? 0 : since.getTime());
  const reason = (): ScrubReason | undefined => {
    if (copy.damaged) return 'damaged';
    if (readMs !== undefined && readMs >= pace.since.getTime()) return undefined;
    if (sinceMs + pace.withinMs <= pace.now.getTime() + scrubsAhead * pace.periodMs) return 'due';
    // Half a period, because no scrub begins and ends at the very second of the one before.
    const isOld = readMs === undefined || pace.now.getTime() - readMs >= pace.periodMs / 2;
    if (copy === newest && isOld) return 'newest';
    return readMs === undefined ? 'never-read' : 'share';
  };
  return { copy, reason: reason(), sinceMs };
}

/** In how many scrubs everything is read: before it is due, which is two scrubs ahead. */
function scrubsPerTurn({ withinMs, periodMs }: ScrubPace): number {
  return Math.max(1, Math.floor(withinMs / periodMs) - scrubsAhead);
}

function newestProved(copies: readonly ScrubItem[], now: Date): ScrubItem | undefined {
  return copies
    .filter(({ proved, startedAt }) => proved && !isAhead(startedAt, now))
    .reduce<ScrubItem | undefined>((best, copy) => {
      return best === undefined || best.startedAt < copy.startedAt ? copy : best;
    }, undefined);
}

function byUrgency(left: Judged, right: Judged): number {
  const rank = ({ reason }: Judged): number =>
    reason === undefined ? scrubReasons.length : scrubReasons.indexOf(reason);
  return (
    rank(left) - rank(right) ||
    left.sinceMs - right.sinceMs ||
    (left.copy.id < right.copy.id ? -1 : 1)
  );
}

function sum(judged: readonly Judged[]): number {
  return judged.reduce((bytes, { copy }) => bytes + copy.sizeBytes, 0);
}
