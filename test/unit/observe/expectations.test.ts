import { describe, expect, test } from 'vitest';
import { metricsObserver } from '../../../src/observe/metrics.ts';
import { clockAt, dayTime, sample } from './events.ts';
import { parseExposition } from './exposition.ts';

function watch() {
  const { now } = clockAt('15:45:00');
  const about = { stores: ['local'], version: '0.1.0', node: 'v24.0.0', processMetrics: false };
  const { observe, text } = metricsObserver({ ...about, now });
  const value = async (series: string): Promise<number | undefined> => {
    const family = parseExposition(await text()).get(`etcd_backup_${series.replace(/\{.*/, '')}`);
    return family?.series.get(`etcd_backup_${series}`);
  };
  return { observe, value };
}

const unix = (time: string): number => dayTime(time).getTime() / 1000;

describe('what is expected', () => {
  test('is a backup since the last due time but one', async () => {
    const { observe, value } = watch();

    observe(sample('next-run-scheduled', { expectedSince: dayTime('14:45:00') }));

    expect(await value('expected_since_timestamp_seconds')).toBe(unix('14:45:00'));
  });

  test('is nothing where the schedule has no earlier due time', async () => {
    const { observe, value } = watch();
    observe(sample('next-run-scheduled'));

    observe(sample('next-run-scheduled', { expectedSince: null }));

    expect(await value('expected_since_timestamp_seconds')).toBe(0);
  });

  test('stays expected while the daemon drains, though nothing is planned any more', async () => {
    const { observe, value } = watch();
    observe(sample('next-run-scheduled', { expectedSince: dayTime('14:45:00') }));
    observe(sample('next-chore-scheduled'));

    observe(sample('daemon-draining'));

    expect(await value('expected_since_timestamp_seconds')).toBe(unix('14:45:00'));
    expect(await value('next_drill_timestamp_seconds')).toBe(0);
  });

  test('is a good drill since the last due time but one of drills', async () => {
    const { observe, value } = watch();

    observe(sample('next-chore-scheduled'));

    expect(await value('next_drill_timestamp_seconds')).toBe(unix('18:00:00'));
    expect(await value('drill_expected_since_timestamp_seconds')).toBe(unix('06:00:00'));
  });

  test('is no drill where another chore is due', async () => {
    const { observe, value } = watch();

    observe(sample('next-chore-scheduled', { chore: 'other' }));

    expect(await value('next_drill_timestamp_seconds')).toBe(0);
  });
});

describe('drills that fail', () => {
  test('add to a row that only a good one ends', async () => {
    const { observe, value } = watch();

    observe(sample('drill-failed'));
    observe(sample('drill-skipped'));
    observe(sample('drill-failed'));
    const row = await value('consecutive_drill_failures');
    observe(sample('drill-finished'));

    expect(row).toBe(2);
    expect(await value('consecutive_drill_failures')).toBe(0);
  });
});

describe('alarms of members', () => {
  test('are counted by kind, and gone when etcd tells of none', async () => {
    const { observe, value } = watch();
    const raised = (member: string) => ({ member, kind: 'NOSPACE' as const });

    observe(sample('alarms-read', { alarms: [raised('1f'), raised('2a')] }));
    const before = await value('member_alarms{alarm="NOSPACE"}');
    observe(sample('alarms-read', { alarms: [] }));

    expect(before).toBe(2);
    expect(await value('member_alarms{alarm="NOSPACE"}')).toBe(0);
    expect(await value('member_alarms{alarm="CORRUPT"}')).toBe(0);
  });
});
