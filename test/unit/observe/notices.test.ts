/** What others are told of which events. */
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/events.ts';
import { type NoticeKind, noticeKinds } from '../../../src/core/notice.ts';
import { watchNotices } from '../../../src/observe/notices.ts';
import { clockAt, denied, everyEvent, id, sample, stalled } from './events.ts';

const { now } = clockAt('15:45:00');

function told(events: readonly Event[], retries = true): string[] {
  const noticesOf = watchNotices({ now, retries });
  return events.flatMap((event) => noticesOf(event)).map(({ kind }) => kind);
}

const started = sample('run-started');
const failed = [started, sample('run-failed')];
const finished = (result: 'success' | 'partial') => [started, sample('run-finished', { result })];
const skipped = [started, sample('run-skipped'), sample('run-finished', { result: 'unchanged' })];
const answered = (attempt: number) => [
  sample('run-started', { attempt }),
  sample('run-finished', { result: 'answered' }),
];
const ended = sample('retries-ended');

const stories: [string, readonly Event[], readonly NoticeKind[]][] = [
  ['a run that goes well', finished('success'), ['backup-succeeded']],
  ['a run without a change, once', skipped, ['backup-unchanged']],
  ['a run that another daemon had answered', answered(1), ['backup-answered']],
  [
    'nothing of a run that this daemon failed in and another answered',
    [...failed, sample('retry-scheduled'), ...answered(2)],
    ['backup-retried'],
  ],
  [
    'a run that another daemon had answered after failures',
    [...failed, ended, ...answered(1)],
    ['backup-failed', 'backup-answered', 'backup-recovered'],
  ],
  ['a run that a store missed', finished('partial'), ['backup-partial']],
  ['a try that another follows', [...failed, sample('retry-scheduled')], ['backup-retried']],
  ['the last try', [...failed, ended], ['backup-failed']],
  [
    'a run that goes well after failures',
    [...failed, ended, ...failed, ended, ...finished('success'), ...finished('success')],
    ['backup-failed', 'backup-failed', 'backup-succeeded', 'backup-recovered', 'backup-succeeded'],
  ],
  [
    'a run without a change after a partial one',
    [...finished('partial'), ...skipped],
    ['backup-partial', 'backup-unchanged', 'backup-recovered'],
  ],
  [
    'a run that went well at its second try as no recovery',
    [...failed, sample('retry-scheduled'), ...finished('success')],
    ['backup-retried', 'backup-succeeded'],
  ],
  [
    'nothing of a run that was stopped',
    [
      started,
      sample('run-failed', { failure: new Failure('stopped', 'stopped') }),
      sample('retries-ended', { failure: new Failure('stopped', 'stopped') }),
    ],
    [],
  ],
  [
    'a dead store once until it recovers, each for itself',
    [
      sample('catalog-read'),
      sample('catalog-unreadable', { store: 'local' }),
      sample('catalog-unreadable', { store: 'local' }),
      sample('catalog-unreadable', { store: 'offsite' }),
      sample('catalog-read', { store: 'local' }),
      sample('catalog-read', { store: 'local' }),
      sample('catalog-unreadable', { store: 'local' }),
    ],
    ['store-failed', 'store-failed', 'store-recovered', 'store-failed'],
  ],
  [
    'a store that takes nothing, until it takes something',
    [
      sample('catalog-read', { store: 'offsite' }),
      sample('backup-not-stored', { failure: denied }),
      sample('catalog-read', { store: 'offsite' }),
      sample('backup-committed', { store: 'offsite' }),
    ],
    ['store-failed', 'store-recovered'],
  ],
  [
    'members that do not agree once',
    [
      sample('hash-mismatched'),
      sample('proof-finished', { proof: 'agreed', outcome: 'failed' }),
      sample('proof-finished', { proof: 'sound', outcome: 'failed' }),
      sample('proof-finished', { proof: 'sound', outcome: 'passed' }),
    ],
    ['proof-failed', 'proof-failed'],
  ],
  [
    'alarms when they change to others',
    [
      sample('alarms-read'),
      sample('alarms-read'),
      sample('alarms-read', { alarms: [] }),
      sample('alarms-read'),
    ],
    ['alarm-raised', 'alarm-raised'],
  ],
  [
    'damage that a reading or a scrub has found',
    [
      sample('backup-verified', { outcome: 'failed' }),
      sample('backup-verified'),
      sample('backup-damaged'),
    ],
    ['backup-damaged', 'backup-damaged'],
  ],
  [
    'restores, and no dry run',
    [
      sample('restore-started'),
      sample('restore-finished'),
      sample('restore-started'),
      sample('restore-failed'),
      sample('restore-started', { dryRun: true }),
      sample('restore-failed'),
      sample('restore-started', { dryRun: true }),
      sample('restore-finished', { dryRun: true }),
    ],
    ['restore-started', 'restore-finished', 'restore-started', 'restore-failed'],
  ],
  ['drills', [sample('drill-finished'), sample('drill-failed')], ['drill-passed', 'drill-failed']],
];

describe('others', () => {
  test.each(stories)('are told of %s', (_, events, kinds) => {
    expect(told(events)).toEqual(kinds);
  });

  test('are told of the first failure where nothing is tried again', () => {
    expect(told(failed, false)).toEqual(['backup-failed']);
  });

  test('can be told everything that the closed list names', () => {
    const kinds = new Set([...stories.flatMap(([, events]) => told(events)), ...told(everyEvent)]);

    expect([...kinds].sort()).toEqual(Object.keys(noticeKinds).sort());
  });

  test('get the sentence of the log, with what and where as facts', () => {
    const noticesOf = watchNotices({ now, retries: true });

    expect(noticesOf(sample('backup-damaged', { store: 'local', id, failure: stalled }))).toEqual([
      {
        kind: 'backup-damaged',
        level: 'error',
        at: now(),
        text:
          `backup ${id} in store local is DAMAGED: ` +
          'member m2 sent no byte for 60s (stream-stalled)',
        store: 'local',
        backup: id,
        failure: { code: 'stream-stalled', message: stalled.message, hint: stalled.hint },
      },
    ]);
  });

  test('are told no secret that a message quotes', () => {
    const leak = new Failure('store-failed', 'GET https://user:hunter2@store/ failed', {
      hint: 'token=hunter2',
    });
    const noticesOf = watchNotices({ now, retries: false });

    const notices = [started, sample('run-failed', { failure: leak })].flatMap(noticesOf);

    expect(notices).toHaveLength(1);
    expect(JSON.stringify(notices)).not.toContain('hunter2');
  });

  test('are told nothing of how they are told', () => {
    expect(told([sample('notice-failed'), sample('notice-delivered')])).toEqual([]);
  });
});
