/** Which copies a scrub reads, alone and over hundreds of nights. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { revision } from '../../../src/core/backup.ts';
import { composeBackupId } from '../../../src/core/names.ts';
import { planScrub, type ScrubItem, type ScrubPace } from '../../../src/engine/plan-scrub.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const start = Date.UTC(2026, 0, 1, 2);
const runs = { numRuns: 150 };

const daysAgo = (days: number): Date => new Date(start - days * dayMs);

/** A proved copy of 100 bytes that was taken, stored and read so many days ago. */
function copyOf(days: number, changes: Partial<ScrubItem> = {}): ScrubItem {
  const at = daysAgo(days);
  return {
    id: composeBackupId(at, revision(5n)),
    sizeBytes: 100,
    startedAt: at,
    proved: true,
    damaged: false,
    readAt: at,
    unreadSince: changes.readAt ?? at,
    ...changes,
  };
}

const monthly: ScrubPace = {
  now: new Date(start),
  since: new Date(start),
  withinMs: 30 * dayMs,
  periodMs: dayMs,
};

/** `reason index`, in the order of reading. */
function planned(copies: readonly ScrubItem[], pace: Partial<ScrubPace> = {}): string[] {
  return planScrub(copies, { ...monthly, ...pace }).map(({ id, reason }) => {
    return `${reason} ${copies.findIndex((copy) => copy.id === id)}`;
  });
}

describe('a scrub', () => {
  test('of nothing reads nothing', () => {
    expect(planned([])).toEqual([]);
  });

  test('reads a share of the bytes, what was read longest ago first', () => {
    const copies = Array.from({ length: 56 }, (_, at) => copyOf(at / 4 + 0.1));

    // A turn has 28 scrubs, two of the thirty to spare: two of 56 each time.
    expect(planned(copies)).toEqual(['share 55', 'share 54']);
  });

  test('reads what nobody has read before what was read long ago', () => {
    const copies = [copyOf(0.1), copyOf(25), copyOf(2, { readAt: undefined })];

    expect(planned(copies)).toEqual(['never-read 2']);
  });

  test('reads what would be overdue the night after the next, however much it is', () => {
    const copies = [copyOf(0.1), ...[28, 27.9, 29, 40].map((days) => copyOf(days))];

    expect(planned(copies)).toEqual(['due 4', 'due 3', 'due 1']);
  });

  test('reads a copy that was found damaged each time, and first', () => {
    const copies = [copyOf(0.1), copyOf(40), copyOf(0.2, { damaged: true, proved: false })];

    expect(planned(copies)).toEqual(['damaged 2', 'due 1']);
  });

  test('reads the newest proved backup, unless that was done since the last scrub', () => {
    const unproved = copyOf(0.5, { proved: false });
    const older = copyOf(9, { readAt: daysAgo(8) });

    expect(planned([copyOf(3), unproved, older])).toEqual(['newest 0']);
    expect(planned([copyOf(3, { readAt: daysAgo(0.2) }), unproved, older])).toEqual(['share 2']);
  });

  test('goes on where it was interrupted', () => {
    const since = new Date(start - hourMs);
    const read = new Date(start - hourMs / 2);
    const copies = Array.from({ length: 56 }, (_, at) => copyOf(at / 4 + 0.1));
    copies[55] = { ...copies[55]!, readAt: read, unreadSince: read };

    expect(planned(copies, { since })).toEqual(['share 54']);
  });

  test('does not believe a reading from the future', () => {
    const ahead = daysAgo(-400);
    const copies = [copyOf(0.1), copyOf(3), copyOf(40, { readAt: ahead, unreadSince: ahead })];

    expect(planned(copies)).toEqual(['due 2']);
  });

  test('reads everything each time where there are too few scrubs for shares', () => {
    const copies = [copyOf(0.1), copyOf(0.2), copyOf(0.3)];

    expect(planned(copies, { withinMs: dayMs })).toEqual(['due 2', 'due 1', 'due 0']);
  });
});

interface Night {
  /** Sizes of the backups that are taken before it. */
  readonly taken: readonly number[];
  /** Whether each backup is read back when it is stored. */
  readonly readBack: boolean;
  /** How many of the oldest retention removes. */
  readonly pruned: number;
  /** 0 to 1: which part of the plan is done before a backup interrupts it; 1 for none. */
  readonly done: number;
  readonly missed: boolean;
}

const night: fc.Arbitrary<Night> = fc.record({
  taken: fc.array(fc.integer({ min: 0, max: 10_000 }), { maxLength: 6 }),
  readBack: fc.boolean(),
  pruned: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 6 }) },
    { weight: 1, arbitrary: fc.integer({ min: 20, max: 60 }) },
  ),
  done: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
  missed: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.boolean()),
});

const nights = fc.array(night, { minLength: 40, maxLength: 120 });
const withinDays = fc.integer({ min: 2, max: 20 });

interface Lived {
  /** Longest time, in days, that any copy was unread. */
  readonly longestDays: number;
  readonly readBytes: readonly number[];
  readonly storedBytes: readonly number[];
}

/** A store over many nights; no two nights in a row are missed. */
function live(all: readonly Night[], days: number): Lived {
  let copies: ScrubItem[] = [];
  let longestMs = 0;
  const [readBytes, storedBytes]: [number[], number[]] = [[], []];
  const look = (now: number): void => {
    for (const copy of copies) longestMs = Math.max(longestMs, now - copy.unreadSince.getTime());
  };
  all.forEach((each, index) => {
    const now = start + index * dayMs;
    each.taken.forEach((sizeBytes, at) => {
      const ago = (now - start) / -dayMs + (6 - at) / 8;
      const readAt = each.readBack ? daysAgo(ago) : undefined;
      copies.push(copyOf(ago, { sizeBytes, readAt, unreadSince: daysAgo(ago) }));
    });
    look(now);
    copies = copies.slice(each.pruned);
    const isMissed = each.missed && all[index - 1]?.missed !== true;
    storedBytes.push(copies.reduce((bytes, copy) => bytes + copy.sizeBytes, 0));
    readBytes.push(isMissed ? 0 : scrub(each, now));
  });
  return { longestDays: longestMs / dayMs, readBytes, storedBytes };

  /** In two parts where a backup interrupts it. */
  function scrub(each: Night, now: number): number {
    const pace = { since: new Date(now), withinMs: days * dayMs, periodMs: dayMs };
    let bytes = 0;
    for (const [part, laterMs] of [
      [each.done, 0],
      [1, hourMs],
    ] as const) {
      const at = new Date(now + laterMs);
      const plan = planScrub(copies, { ...pace, now: at });
      const begun = plan.slice(0, Math.ceil(plan.length * part)).map(({ id }) => id);
      copies = copies.map((copy) => {
        if (!begun.includes(copy.id)) return copy;
        bytes += copy.sizeBytes;
        return { ...copy, readAt: at, unreadSince: at };
      });
    }
    return bytes;
  }
}

describe('over many nights, whatever is taken, pruned, missed and interrupted', () => {
  test('no copy is unread for longer than was promised', () => {
    fc.assert(
      fc.property(nights, withinDays, (all, days) => {
        expect(live(all, days).longestDays).toBeLessThanOrEqual(days);
      }),
      runs,
    );
  });

  test('nights that bring nothing new read their share of the bytes, and not much more', () => {
    const quiet = { taken: [], readBack: true, pruned: 0, done: 1, missed: false };
    const full = { ...quiet, taken: [50, 50, 50] };
    fc.assert(
      fc.property(fc.integer({ min: 6, max: 12 }), (days) => {
        const all = [...Array(days * 4).fill(full), ...Array(days * 4).fill(quiet)];
        const { readBytes, storedBytes } = live(all, days);

        const settled = readBytes.slice(-2 * days);
        const mean = settled.reduce((sum, bytes) => sum + bytes, 0) / settled.length;
        const share = (storedBytes.at(-1) ?? 0) / (days - 2);
        // Copies are whole, and the newest is read each time.
        expect(mean).toBeLessThanOrEqual(share + 100);
        expect(mean).toBeGreaterThanOrEqual(share - 50);
      }),
      { numRuns: 10 },
    );
  });

  test('the order of the listing does not matter', () => {
    const sizes = fc.uniqueArray(fc.nat(500), { maxLength: 30 });
    fc.assert(
      fc.property(sizes, withinDays, (all, days) => {
        const copies = all.map((size, at) => copyOf(size / 10, { sizeBytes: at }));
        const pace = { ...monthly, withinMs: days * dayMs };

        expect(planScrub(copies.toReversed(), pace)).toEqual(planScrub(copies, pace));
      }),
    );
  });
});
