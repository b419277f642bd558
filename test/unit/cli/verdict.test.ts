/** What the first line of `status` says, and why. */
import { describe, expect, test } from 'vitest';
import { judgeSafety, type Seen, type StoreSeen } from '../../../src/cli/verdict.ts';

const at = (time: string): Date => new Date(`2026-11-20T${time}:00Z`);
const good: StoreSeen = {
  name: 'local',
  newestAt: at('15:45'),
  damaged: 0,
  missing: 0,
  failure: null,
};
const calm = { unchangedAt: null, failedRuns: 0, lastFailure: null };

function seen(changes: Partial<Seen> = {}): Seen {
  const known = {
    now: at('16:00'),
    expectedSince: at('14:45'),
    silence: 'does not answer',
    unreachable: null,
  };
  return { ...known, stores: [good], daemon: calm, ...changes };
}

const offsite = (changes: Partial<StoreSeen> = {}): StoreSeen => {
  return { ...good, name: 'offsite', ...changes };
};

describe('a cluster is safe', () => {
  test('where a store holds a proved backup that is young enough', () => {
    expect(judgeSafety(seen())).toEqual({
      safe: true,
      reason: 'the newest proved backup is 15m old, in 1 of 1 store',
      concerns: [],
    });
  });

  test('to the last moment of what the schedule expects, and not beyond', () => {
    const verdicts = [at('15:45'), at('15:46')].map((expectedSince) => {
      return judgeSafety(seen({ expectedSince })).safe;
    });

    expect(verdicts).toEqual([true, false]);
  });

  test('where nothing has changed since an older backup', () => {
    const daemon = { ...calm, unchangedAt: at('15:50') };
    const old = { ...good, newestAt: at('03:00') };

    expect(judgeSafety(seen({ stores: [old], daemon }))).toMatchObject({
      safe: true,
      reason:
        'the newest proved backup is 13h old, and nothing had changed 10m ago, in 1 of 1 store',
    });
  });

  test.each([
    [
      'a store is away',
      { stores: [good, offsite({ failure: 'timed out' })] },
      'store offsite cannot be read: timed out',
      1,
    ],
    [
      'a store is behind',
      { stores: [good, offsite({ newestAt: at('12:00') })] },
      'store offsite is behind: its newest proved backup is 4h old',
      1,
    ],
    [
      'a store is empty',
      { stores: [good, offsite({ newestAt: undefined })] },
      'store offsite holds no proved backup',
      1,
    ],
    [
      'a copy is damaged',
      { stores: [good, offsite({ damaged: 1 })] },
      'store offsite holds 1 damaged backup',
      2,
    ],
    [
      'copies are missing',
      { stores: [good, offsite({ missing: 2 })] },
      'store offsite lacks 2 backups that others have',
      2,
    ],
    [
      'the daemon is gone',
      { daemon: null, stores: [good, offsite()] },
      'the daemon does not answer',
      2,
    ],
    [
      'runs fail',
      { daemon: { ...calm, failedRuns: 3, lastFailure: 'disk full' }, stores: [good, offsite()] },
      '3 runs failed in a row: disk full',
      2,
    ],
    [
      'etcd is gone',
      { unreachable: 'refused', stores: [good, offsite()] },
      'the cluster cannot be asked: refused',
      2,
    ],
  ] as [string, Partial<Seen>, string, number][])('though %s', (_, changes, concern, holding) => {
    const { safe, reason, concerns } = judgeSafety(seen(changes));

    expect(safe).toBe(true);
    expect(reason).toContain(`in ${holding} of 2 stores`);
    expect(concerns).toEqual([concern]);
  });

  test('without a word about a daemon that is not asked', () => {
    expect(judgeSafety(seen({ daemon: undefined })).concerns).toEqual([]);
  });
});

describe('a cluster is not safe', () => {
  test('with a backup that is too old', () => {
    const stores = [{ ...good, newestAt: at('10:00') }, offsite({ newestAt: at('12:00') })];

    expect(judgeSafety(seen({ stores }))).toMatchObject({
      safe: false,
      reason: 'the newest proved backup is 4h old; two due times have passed since',
      concerns: [
        'store local is behind: its newest proved backup is 6h old',
        'store offsite is behind: its newest proved backup is 4h old',
      ],
    });
  });

  test('with none at all, whatever the daemon found unchanged', () => {
    const stores = [{ ...good, newestAt: undefined }, offsite({ failure: 'gone' })];
    const daemon = { ...calm, unchangedAt: at('15:59') };

    expect(judgeSafety(seen({ stores, daemon }))).toMatchObject({
      safe: false,
      reason: 'no store that can be read holds a proved backup',
    });
  });

  test('where no store can be read', () => {
    const stores = [offsite({ failure: 'gone' })];

    expect(judgeSafety(seen({ stores }))).toMatchObject({
      safe: false,
      reason: 'no store can be read',
    });
  });
});
