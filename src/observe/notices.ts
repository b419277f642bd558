/**
 * Events as messages for people elsewhere: one for each thing that happened, however many events
 * tell of it, and none that only repeats what was told before.
 */
import type { Failure } from '../core/errors.ts';
import type { Event, RunResult } from '../core/events.ts';
import { type Notice, type NoticeKind, noticeKinds } from '../core/notice.ts';
import { failureFields } from './fields.ts';
import { followRun, wentWell } from './run-view.ts';
import { sentenceOf } from './sentences.ts';
import { storeHealth } from './store-health.ts';

export interface NoticeOptions {
  readonly now: () => Date;
  /** Whether failed runs are tried again; false: the first failure is the last word. */
  readonly retries: boolean;
}

/** What to tell about each event, in order. */
export function watchNotices({ now, retries }: NoticeOptions): (event: Event) => readonly Notice[] {
  const kindsOf = [
    watchRuns(now, retries),
    watchStores(),
    watchAlarms(),
    watchRestores(),
    plainKind,
  ];
  return (event) => kindsOf.flatMap((each) => each(event)).map((kind) => make(kind, event, now()));
}

const goodEnds: Partial<Record<RunResult, NoticeKind>> = {
  success: 'backup-succeeded',
  unchanged: 'backup-unchanged',
  answered: 'backup-answered',
};

type Watch = (event: Event) => readonly NoticeKind[];

function watchRuns(now: () => Date, retries: boolean): Watch {
  const run = followRun(now);
  let isBad = false;
  const failed = (kind: 'backup-failed' | 'backup-partial'): readonly NoticeKind[] => {
    isBad = true;
    return [kind];
  };
  const ended = (result: RunResult): readonly NoticeKind[] => {
    if (result === 'partial') return failed('backup-partial');
    if (result === 'failure' && !retries) return failed('backup-failed');
    const told = goodEnds[result];
    if (told === undefined || !wentWell(result, run.view())) return [];
    const was = isBad;
    isBad = false;
    return was ? [told, 'backup-recovered'] : [told];
  };
  return (event) => {
    const result = run.take(event);
    if (result !== undefined) return ended(result);
    if (event.kind === 'retry-scheduled') return ['backup-retried'];
    // A stop is no failure: the next start makes up for what it cut short.
    if (event.kind !== 'retries-ended' || event.failure.code === 'stopped') return [];
    return failed('backup-failed');
  };
}

function watchStores(): Watch {
  const healthOf = storeHealth();
  const dead = new Set<string>();
  return (event) => {
    const health = healthOf(event);
    if (health === undefined || health.up !== dead.has(health.store)) return [];
    if (health.up) dead.delete(health.store);
    else dead.add(health.store);
    return [health.up ? 'store-recovered' : 'store-failed'];
  };
}

function watchAlarms(): Watch {
  let known = '';
  return (event) => {
    if (event.kind !== 'alarms-read') return [];
    const before = known;
    known = event.alarms
      .map(({ member, kind }) => `${kind} ${member}`)
      .toSorted()
      .join();
    return known === '' || known === before ? [] : ['alarm-raised'];
  };
}

/** A dry run changes nothing, however it ends. */
function watchRestores(): Watch {
  let isDry = false;
  return (event) => {
    if (event.kind === 'restore-started') isDry = event.dryRun;
    const { kind } = event;
    const isTold =
      kind === 'restore-started' || kind === 'restore-finished' || kind === 'restore-failed';
    return isTold && !isDry ? [kind] : [];
  };
}

/** Of events that say all by themselves. */
function plainKind(event: Event): readonly NoticeKind[] {
  switch (event.kind) {
    case 'hash-mismatched':
      return ['proof-failed'];
    case 'proof-finished':
      // Of members that do not agree tells the one above.
      return event.outcome === 'failed' && event.proof !== 'agreed' ? ['proof-failed'] : [];
    case 'backup-verified':
      return event.outcome === 'failed' ? ['backup-damaged'] : [];
    case 'backup-damaged':
    case 'scrub-failed':
    case 'drill-failed':
      return [event.kind];
    case 'drill-finished':
      return ['drill-passed'];
    default:
      return [];
  }
}

function make(kind: NoticeKind, event: Event, at: Date): Notice {
  return {
    kind,
    level: noticeKinds[kind].level,
    at,
    text: sentenceOf(event, at),
    store: 'store' in event ? event.store : null,
    backup: backupOf(event),
    failure: 'failure' in event ? failureOf(event.failure) : null,
  };
}

function backupOf(event: Event): string | null {
  if ('id' in event) return event.id;
  if (event.kind === 'run-skipped') return event.newest;
  if (event.kind === 'backup-committed') return event.backup.id;
  return 'backup' in event && typeof event.backup === 'string' ? event.backup : null;
}

function failureOf(failure: Failure): Notice['failure'] {
  const { message, hint } = failureFields(failure, { stacks: false });
  return { code: failure.code, message: String(message), hint: String(hint) };
}
