/** The state at a glance: whether all is well, then what that was judged by. */
import type { Manifest } from '../core/manifest.ts';
import { formatBytes } from '../core/units.ts';
import { momentText } from '../observe/moment.ts';
import type { StatusReport } from '../observe/status-report.ts';
import { ageOf, proofsOf } from './commands/list.ts';
import { table } from './table.ts';
import type { Verdict } from './verdict.ts';

/** A store and what it holds of all clusters. */
export interface StoreState {
  readonly store: string;
  readonly backups: number;
  /** The newest one that counts. */
  readonly newest: Manifest | undefined;
  readonly damaged: number;
  /** What others have beside it; null: not known. */
  readonly missing: number | null;
  readonly oldestRead: Date | null;
  readonly failure: string | null;
}

export interface AskedMembers {
  readonly members: readonly {
    readonly id: string;
    readonly name: string;
    readonly eligible: boolean;
    readonly role: string;
    readonly reason: string;
  }[];
  readonly unreachable: string | null;
}

export interface StatusFacts {
  readonly verdict: Verdict;
  readonly daemon: StatusReport | null;
  readonly stores: readonly StoreState[];
  readonly asked: AskedMembers;
  readonly now: Date;
}

export function statusText({ verdict, daemon, stores, asked, now }: StatusFacts): string {
  const { safe, reason, concerns } = verdict;
  const heading = `${safe ? 'SAFE' : 'NOT SAFE'}: ${reason}\n`;
  const parts = [
    `${heading}${concerns.map((concern) => `  - ${concern}\n`).join('')}`,
    storeLines(stores, now),
    ...(daemon === null ? [] : [daemonLines(daemon, now)]),
    ...(asked.unreachable === null ? [memberLines(asked)] : []),
  ];
  return parts.join('\n');
}

const storeHeading = [
  'STORE',
  'AGE',
  'NEWEST PROVED',
  'SIZE',
  'BACKUPS',
  'MISSING',
  'DAMAGED',
  'OLDEST READ',
  'PROOFS',
];

function storeLines(stores: readonly StoreState[], now: Date): string {
  const rows = stores.map(({ store, backups, newest, damaged, missing, oldestRead, failure }) => {
    if (failure !== null) return [store, '?', 'cannot be read'];
    const facts = [
      String(backups),
      missing === null ? '?' : String(missing),
      String(damaged),
      oldestRead === null ? '' : ageOf(oldestRead, now),
    ];
    if (newest === undefined) return [store, 'never', 'no proved backup', '', ...facts];
    const size = formatBytes(newest.sealed.sizeBytes);
    return [store, ageOf(newest.startedAt, now), newest.id, size, ...facts, proofsOf(newest)];
  });
  return table([storeHeading, ...rows]);
}

function daemonLines(daemon: StatusReport, now: Date): string {
  const { state, version, startedAt, run, nextRun, lastRun, lastScrub, lastFailure } = daemon;
  const ago = (at: string | null): string => {
    return at === null ? 'not yet' : `${ageOf(new Date(at), now)} ago`;
  };
  const ended = (what: { result: string; finishedAt: string }): string => {
    return `${what.result}, ${ago(what.finishedAt)}`;
  };
  const next = nextRun && `${momentText(new Date(nextRun.at), now)} (${nextRun.reason})`;
  const rows = [
    ['daemon', `${state}, version ${version}, started ${ago(startedAt)}`],
    ['now', run === null ? 'idle' : `${run.step}, ${formatBytes(run.doneBytes)} done`],
    ['last run', lastRun === null ? 'none yet' : ended(lastRun)],
    ['next run', next ?? 'not planned'],
  ];
  if (lastScrub) rows.push(['last scrub', ended(lastScrub)]);
  rows.push(...configRows(daemon.config, now));
  if (lastFailure) rows.push(['last failure', `${ago(lastFailure.at)}: ${lastFailure.message}`]);
  return table(rows);
}

function configRows({ since, waiting, refused }: StatusReport['config'], now: Date): string[][] {
  if (refused !== null) {
    const [headline] = refused.message.split('\n');
    const old = since === null ? '' : `; that of ${ageOf(new Date(since), now)} ago goes on`;
    return [['config', `REFUSED ${ageOf(new Date(refused.at), now)} ago: ${headline}${old}`]];
  }
  return waiting ? [['config', 'a new one holds as soon as what runs now has ended']] : [];
}

function memberLines({ members }: AskedMembers): string {
  const rows = members.map(({ name, id, role, eligible, reason }) => {
    return [name || id, role, `${eligible ? 'can' : 'can not'} be the source: ${reason}`];
  });
  return table([['MEMBER', 'ROLE', 'SOURCE'], ...rows]);
}
