/** Whether a configuration makes its daemon take turns, and what is said where time is short. */
import { describe, expect, test } from 'vitest';
import { graceWarnings, takesTurns } from '../../../src/cli/turns.ts';
import { load } from '../config/loading.ts';

const now = new Date('2026-11-20T15:45:00Z');
const shared = '--stores=[{ name: a, type: file, path: /a, shared: true }]';
const own = '--stores=[{ name: a, type: file, path: /a }]';
const three =
  '--cluster.endpoints=https://10.0.0.1:2379,https://10.0.0.2:2379,https://10.0.0.3:2379';
const local = '--cluster.localMember=etcd-1';

describe('a daemon', () => {
  test.each([
    ['takes turns in a shared store where it knows its member', [shared, local], true],
    ['waits for nobody where it is not told its member', [shared], false],
    ['waits for nobody where no store is shared', [own, local], false],
  ])('%s', (_, flags, expected) => {
    expect(takesTurns(load({ flags }).config)).toBe(expected);
  });
});

describe('a grace', () => {
  const warned = (...flags: string[]) => graceWarnings(load({ flags: [three, ...flags] }), now);

  test('that the schedule leaves no room for is told, with what is left', () => {
    const cron = '--schedule.cron=*/10 9-17 * * *';

    expect(warned(shared, local, cron, '--schedule.grace=3m')).toEqual([
      'schedule.grace: due times 10m apart leave 2m 30s for each of 3 daemons: it is shortened to that',
    ]);
    expect(warned(shared, local, cron, '--schedule.grace=150s')).toEqual([]);
  });

  test('is nobody’s concern where no turns are taken, or nobody has asked for it', () => {
    const cron = '--schedule.cron=* * * * *';

    expect(warned(own, local, cron, '--schedule.grace=3m')).toEqual([]);
    expect(warned(shared, local, cron)).toEqual([]);
  });
});
