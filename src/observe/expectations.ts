/**
 * What the schedule expects, and what etcd itself complains of. Alerts compare with these, so that
 * no rule has to know how often backups and drills are due.
 */
import { alarmKinds, type Event, type Observe } from '../core/events.ts';
import { type Labelled, type Series, unixSeconds, type Value } from './series.ts';

export interface ExpectationMetrics {
  readonly expectedSince: Value;
  readonly nextDrill: Value;
  readonly drillExpectedSince: Value;
  readonly drillFailures: Value;
  readonly alarms: Labelled<'alarm'>;
}

export function expectationMetrics(series: Series): ExpectationMetrics {
  const alarms = series.gauge(
    'member_alarms',
    'Alarms that members of etcd had raised when they were last asked, by kind. 0: none, or not ' +
      'asked since the start.',
    ['alarm'],
  );
  for (const alarm of alarmKinds) alarms.set({ alarm }, 0);
  return {
    expectedSince: series.gauge(
      'expected_since_timestamp_seconds',
      'Unix time that no newest backup should be older than: the last due time but one of the ' +
        'schedule. Beyond it two due times have passed without a backup. 0: not known yet.',
    ),
    nextDrill: series.gauge(
      'next_drill_timestamp_seconds',
      'Unix time at which the next drill of the schedule is due. 0: none is planned.',
    ),
    drillExpectedSince: series.gauge(
      'drill_expected_since_timestamp_seconds',
      'Unix time that the last good drill should not be older than: the last due time but one of ' +
        'drill.cron. 0: drills are not scheduled, or not known yet.',
    ),
    drillFailures: series.gauge(
      'consecutive_drill_failures',
      'Drills that failed since the last good one. 0: the last one was good, or none has ended ' +
        'since the start.',
    ),
    alarms,
  };
}

export function watchExpectations(set: ExpectationMetrics): Observe {
  return (event: Event) => {
    switch (event.kind) {
      case 'next-run-scheduled':
        set.expectedSince.set(unixSeconds(event.expectedSince));
        return;
      case 'next-chore-scheduled':
        if (event.chore !== 'drill') return;
        set.nextDrill.set(unixSeconds(event.at));
        set.drillExpectedSince.set(unixSeconds(event.expectedSince));
        return;
      case 'daemon-draining':
        set.nextDrill.set(0);
        return;
      case 'config-reloaded':
        if (event.changed.length === 0) return;
        // Told anew where drills are still scheduled.
        set.nextDrill.set(0);
        set.drillExpectedSince.set(0);
        return;
      case 'drill-finished':
        set.drillFailures.set(0);
        return;
      case 'drill-failed':
        set.drillFailures.inc();
        return;
      case 'alarms-read':
        for (const alarm of alarmKinds) {
          set.alarms.set({ alarm }, event.alarms.filter((each) => each.kind === alarm).length);
        }
        return;
      default:
        return;
    }
  };
}
