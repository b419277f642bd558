import { describe, expect, test } from 'vitest';
import type { BackupId } from '../../../src/core/backup.ts';
import { objectionsTo } from '../../../src/core/removal.ts';
import type { RetentionItem } from '../../../src/core/retention.ts';

const now = new Date('2026-11-21T12:00:00Z');

/** Of so many hours ago, and named for it. */
function item(hours: number, changes: Partial<RetentionItem> = {}): RetentionItem {
  const startedAt = new Date(now.getTime() - hours * 3_600_000);
  return { id: `h${hours}` as BackupId, startedAt, proved: true, held: null, ...changes };
}

function ask(hours: number, items: readonly RetentionItem[], minimum = 0): readonly string[] {
  return objectionsTo(`h${hours}` as BackupId, items, { minimum }, now);
}

describe('one backup of many', () => {
  test('may go, although the rules would keep it', () => {
    expect(ask(2, [item(3), item(2), item(1)], 2)).toEqual([]);
  });

  test('stays as the newest proved one, also behind newer ones that are not proved', () => {
    expect(ask(2, [item(3), item(2), item(1, { proved: false })])).toEqual([
      'newest proved backup',
    ]);
  });

  test('stays as one of the last that count', () => {
    const items = [item(3), item(2), item(1), item(4, { proved: false })];

    expect(ask(3, items, 3)).toEqual(['one of the minimum of 3 proved backups']);
    expect(ask(4, items, 3)).toEqual([]);
    expect(ask(3, items, 2)).toEqual([]);
  });

  test('stays where it is held or locked, with every reason', () => {
    const locked = (lockedUntil: RetentionItem['lockedUntil']) =>
      ask(2, [item(2, { held: 'the audit', lockedUntil: lockedUntil as Date }), item(1)]);

    expect(locked(new Date('2026-12-01T00:00:00Z'))).toEqual([
      'held: the audit',
      'locked until 2026-12-01T00:00:00.000Z',
    ]);
    expect(locked('legal hold')).toEqual(['held: the audit', 'locked by a legal hold']);
    expect(locked(now)).toEqual(['held: the audit']);
  });

  test('stays where none is proved: it may be the last resort', () => {
    const unproved = [item(2, { proved: false }), item(1, { proved: false })];

    expect(ask(2, unproved)).toHaveLength(1);
  });

  test('may go where a wrong clock dated it into the future, and props up nothing', () => {
    const items = [item(2), item(-48)];

    expect(ask(-48, items, 5)).toEqual([]);
    expect(ask(2, items)).toEqual(['newest proved backup']);
  });

  test('has nothing against it where it is gone', () => {
    expect(ask(7, [item(1)])).toEqual([]);
  });
});
