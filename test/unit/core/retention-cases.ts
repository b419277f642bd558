/**
 * Golden cases of retention: files with what is given and the plan that it makes, both as lines
 * that a person can read. UPDATE_GOLDEN=1 writes the plans anew; read the difference.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { revision } from '../../../src/core/backup.ts';
import { composeBackupId } from '../../../src/core/names.ts';
import type { RetentionItem, RetentionPlan, RetentionPolicy } from '../../../src/core/retention.ts';
import { parseDuration } from '../../../src/core/units.ts';

const folder = join(import.meta.dirname, '../../golden/retention');

export interface RetentionCase {
  readonly title: string;
  readonly now: string;
  readonly timezone: string;
  readonly policy: RetentionPolicy;
  /** `<time>[, not proved][, held: <reason>][, locked until <time>]`, or
   * `<time> to <time> every <duration>`. */
  readonly backups: readonly string[];
  readonly plan: readonly string[];
}

export const caseNames = readdirSync(folder).filter((name) => name.endsWith('.json'));

export function readCase(name: string): RetentionCase {
  return JSON.parse(readFileSync(join(folder, name), 'utf8')) as RetentionCase;
}

export function updateCase(name: string, found: RetentionCase, plan: readonly string[]): void {
  if (process.env.UPDATE_GOLDEN !== '1') return;
  writeFileSync(join(folder, name), `${JSON.stringify({ ...found, plan }, null, 2)}\n`);
}

export function itemAt(startedAt: Date, changes: Partial<RetentionItem> = {}): RetentionItem {
  const id = composeBackupId(startedAt, revision(1n));
  return { id, startedAt, proved: true, held: null, ...changes };
}

export function itemsOf({ backups }: RetentionCase): RetentionItem[] {
  return backups.flatMap((line) => {
    const [, from, to, every] = /^(\S+) to (\S+) every (\S+)$/.exec(line) ?? [];
    return from === undefined ? [itemOf(line)] : series(from, to ?? '', parseDuration(every ?? ''));
  });
}

function itemOf(line: string): RetentionItem {
  const [time = '', ...marks] = line.split(', ');
  const after = (start: string) =>
    marks.find((mark) => mark.startsWith(start))?.slice(start.length) ?? null;
  const locked = after('locked until ');
  return itemAt(new Date(time), {
    proved: !marks.includes('not proved'),
    held: after('held: '),
    ...(locked === null ? {} : { lockedUntil: new Date(locked) }),
  });
}

function series(from: string, to: string, everyMs: number): RetentionItem[] {
  const items: RetentionItem[] = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += everyMs)
    items.push(itemAt(new Date(at)));
  return items;
}

/** What is kept line by line; what goes as one line per reason, for there is much of it. */
export function printPlan(plan: RetentionPlan): string[] {
  const kept = plan.filter(({ keep }) => keep);
  const lines = kept.map(({ startedAt, reasons }) => `${print(startedAt)} ${reasons.join('; ')}`);
  const removed = Map.groupBy(
    plan.filter(({ keep }) => !keep),
    ({ reasons }) => reasons.join('; '),
  );
  const counts = [...removed].map(([reason, all]) => {
    return `removes ${all.length}: ${reason}`;
  });
  return [...lines, ...counts];
}

function print(time: Date): string {
  return time.toISOString().replace('.000', '');
}
