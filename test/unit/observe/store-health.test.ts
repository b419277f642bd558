import { describe, expect, test } from 'vitest';
import { Failure, type FailureCode } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/events.ts';
import { storeHealth } from '../../../src/observe/store-health.ts';
import { sample } from './events.ts';

const store = 'offsite';
const failed = (kind: 'backup-not-stored' | 'prune-failed', code: FailureCode) =>
  sample(kind, { store, failure: new Failure(code, 'it did not work') });
const read = sample('catalog-read', { store });
const unreadable = sample('catalog-unreadable', { store });
const committed = sample('backup-committed', { store });

/** What is told of the store in the end. */
function upAfter(...events: readonly Event[]): boolean | undefined {
  const healthOf = storeHealth();
  return events.map(healthOf).findLast((told) => told !== undefined)?.up;
}

describe('a store', () => {
  test.each<[string, readonly Event[], boolean]>([
    ['is up once it was read', [read], true],
    ['is down while it cannot be read', [read, unreadable], false],
    ['is up again when it can be read again', [read, unreadable, read], true],
    ['is up when it takes a backup that nobody expected it to', [unreadable, committed], true],
    [
      'is down from the backup that it did not take',
      [read, failed('backup-not-stored', 'timed-out')],
      false,
    ],
    [
      'is still down when it can be read and not written to',
      [read, failed('backup-not-stored', 'store-full'), read],
      false,
    ],
    [
      'is up again with the next backup that it takes',
      [read, failed('backup-not-stored', 'store-denied'), read, committed],
      true,
    ],
    [
      'is not to blame for the spool or for a stop',
      [
        read,
        failed('backup-not-stored', 'spool-failed'),
        failed('backup-not-stored', 'stopped'),
        failed('backup-not-stored', 'internal'),
      ],
      true,
    ],
    ['is down when it hangs in a prune', [read, failed('prune-failed', 'timed-out')], false],
    ['is up when its key may not remove', [read, failed('prune-failed', 'store-denied')], true],
  ])('%s', (_, events, up) => {
    expect(upAfter(...events)).toBe(up);
  });

  test('stands for itself alone', () => {
    const healthOf = storeHealth();
    healthOf(read);

    const other = healthOf(sample('catalog-unreadable', { store: 'local' }));
    const own = healthOf(read);

    expect([other, own]).toEqual([
      { store: 'local', up: false },
      { store, up: true },
    ]);
  });

  test('is not spoken of by what concerns none', () => {
    expect(upAfter(sample('run-started'), sample('proof-finished'))).toBeUndefined();
  });
});
