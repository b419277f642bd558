import { describe, expect, test } from 'vitest';
import { proofNames } from '../../../src/core/backup.ts';
import { Failure, failureCodes } from '../../../src/core/errors.ts';
import { metricsObserver } from '../../../src/observe/metrics.ts';
import { backup, type Clock, clockAt, denied, everyEvent, sample, stalled } from './events.ts';
import { parseExposition } from './exposition.ts';

function watch(clock: Clock = clockAt('15:45:00'), processMetrics = false) {
  const options = {
    stores: ['local', 'offsite'],
    targets: ['chat', 'ping'],
    version: '0.1.0',
    node: 'v24.0.0',
  };
  const metrics = metricsObserver({ ...options, now: clock.now, processMetrics });
  const value = async (series: string): Promise<number | undefined> => {
    const families = parseExposition(await metrics.text());
    const family = families.get(`etcd_backup_${series.replace(/\{.*/, '')}`);
    return family?.series.get(`etcd_backup_${series}`);
  };
  return { ...metrics, value, clock };
}

const unix = (time: string): number => Date.parse(`2026-11-20T${time}Z`) / 1000;
const emptied = sample('catalog-read', {
  backups: 0,
  storedBytes: 0,
  damaged: 0,
  oldestRead: null,
  newest: null,
  proofs: {},
});

describe('the metrics page', () => {
  test('is what people have built their alerts on, after a day of work', async () => {
    const watched = watch();

    for (const event of everyEvent) watched.observe(event);
    watched.clock.at('15:46:10');
    watched.observe(sample('run-started', { attempt: 2 }));
    watched.observe(sample('member-chosen', { member: '000000000000001f', role: 'leader' }));
    watched.observe(sample('proof-finished'));
    watched.observe(sample('step-finished', { step: 'prove', tookMs: 250 }));
    watched.observe(sample('backup-committed', { store: 'offsite' }));
    watched.observe(sample('run-finished'));
    watched.observe(sample('next-run-scheduled'));

    await expect(await watched.text()).toMatchFileSnapshot('../../golden/metrics.txt');
  });

  test('follows the text format to the letter, with those of the process too', async () => {
    const watched = watch(undefined, true);
    for (const event of everyEvent) watched.observe(event);

    const families = parseExposition(await watched.text());

    expect(families.get('etcd_backup_runs_total')?.type).toBe('counter');
    expect(families.has('process_resident_memory_bytes')).toBe(true);
    expect(watched.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  test('has every series before anything has happened', async () => {
    const fresh = watch();
    const busy = watch();
    for (const event of everyEvent) busy.observe(event);

    const before = parseExposition(await fresh.text());
    const after = parseExposition(await busy.text());

    const names = (page: typeof before) =>
      [...page.entries()]
        .filter(([name]) => name !== 'etcd_backup_source_info')
        .flatMap(([, { series }]) => [...series.keys()]);
    expect(names(before)).toEqual(names(after));
    expect(before.get('etcd_backup_failures_total')?.series.size).toBe(failureCodes.length);
  });

  test('says what 0 means for every time', async () => {
    const families = parseExposition(await watch().text());

    const times = [...families].filter(([name]) => name.endsWith('_timestamp_seconds'));
    expect(times).toHaveLength(12);
    expect(times.filter(([, { help }]) => !/ 0: /.test(help))).toEqual([]);
  });

  test('says 0 for times that have never been, so that alerts on age fire', async () => {
    const { value } = watch();

    expect(await value('last_success_timestamp_seconds{store="local"}')).toBe(0);
    expect(await value('last_attempt_timestamp_seconds')).toBe(0);
    expect(await value('last_unchanged_timestamp_seconds')).toBe(0);
    expect(await value('store_up{store="local"}')).toBe(0);
  });
});

describe('what is known of stored copies', () => {
  test('is told by the store after a restart, and is 0 before', async () => {
    const { observe, value } = watch();
    const damaged = 'store_damaged_backups{store="local"}';
    const oldest = 'store_oldest_read_timestamp_seconds{store="local"}';
    expect([await value(damaged), await value(oldest)]).toEqual([0, 0]);

    observe(sample('catalog-read'));

    expect(await value(damaged)).toBe(1);
    expect(await value(oldest)).toBe(unix('02:17:00'));
    expect(await value('store_damaged_backups{store="offsite"}')).toBe(0);

    observe(emptied);

    expect([await value(damaged), await value(oldest)]).toEqual([0, 0]);
  });

  test('counts scrubs and repairs by their ends, and copies that nobody could read', async () => {
    const { observe, value } = watch();

    observe(sample('scrub-finished', { result: 'repaired' }));
    observe(sample('scrub-failed'));
    observe(sample('backup-copied', { result: 'repaired' }));
    observe(sample('backup-copied', { result: 'copied' }));
    observe(sample('repair-failed'));
    observe(sample('backup-unread'));

    expect(await value('scrubs_total{result="repaired"}')).toBe(1);
    expect(await value('scrubs_total{result="failure"}')).toBe(1);
    expect(await value('scrubs_total{result="clean"}')).toBe(0);
    expect(await value('repairs_total{result="success"}')).toBe(1);
    expect(await value('repairs_total{result="failure"}')).toBe(1);
    expect(await value('verifications_total{result="inconclusive"}')).toBe(1);
    expect(await value('verifications_total{result="failed"}')).toBe(0);
  });
});

describe('the age of the newest backup', () => {
  test('comes from the store after a restart', async () => {
    const { observe, value } = watch();

    observe(sample('catalog-read'));

    expect(await value('last_success_timestamp_seconds{store="local"}')).toBe(unix('15:45:00'));
    expect(await value('last_attempt_timestamp_seconds')).toBe(unix('15:45:00'));
    expect(await value('last_proof_timestamp_seconds{store="local",proof="restored"}')).toBe(
      unix('03:00:00'),
    );
    expect(await value('revision{store="local"}')).toBe(55919);
    expect(await value('size_bytes{store="local",kind="raw"}')).toBe(backup.rawBytes);
  });

  test('leaves the last attempt alone, which may have come to nothing', async () => {
    const { observe, value, clock } = watch();
    clock.at('15:50:00');
    observe(sample('run-started'));

    observe(sample('catalog-read'));

    expect(await value('last_attempt_timestamp_seconds')).toBe(unix('15:50:00'));
  });

  test('comes from the run before the store is read again', async () => {
    const { observe, value } = watch();

    observe(sample('backup-committed'));

    expect(await value('last_success_timestamp_seconds{store="local"}')).toBe(unix('15:45:00'));
    expect(await value('last_success_timestamp_seconds{store="offsite"}')).toBe(0);
    expect(await value('last_proof_timestamp_seconds{store="local",proof="stored"}')).toBe(
      unix('15:45:50'),
    );
  });

  test('is not younger for a backup with a failed proof', async () => {
    const { observe, value } = watch();

    observe(sample('backup-committed', { proved: false }));

    expect(await value('last_success_timestamp_seconds{store="local"}')).toBe(0);
  });

  test('is endless as soon as somebody has emptied the store', async () => {
    const { observe, value } = watch();
    observe(sample('catalog-read'));

    observe(emptied);

    expect(await value('last_success_timestamp_seconds{store="local"}')).toBe(0);
    expect(await value('size_bytes{store="local",kind="sealed"}')).toBe(0);
    const proofs = proofNames.map((proof) =>
      value(`last_proof_timestamp_seconds{store="local",proof="${proof}"}`),
    );
    expect(await Promise.all(proofs)).toEqual([0, 0, 0, 0, 0]);
  });

  test('stays as last known while the store cannot be read, and the store is down', async () => {
    const { observe, value } = watch();
    observe(sample('catalog-read'));

    observe(sample('catalog-unreadable', { store: 'local' }));

    expect(await value('store_up{store="local"}')).toBe(0);
    expect(await value('store_backups{store="local"}')).toBe(7);
    expect(await value('last_success_timestamp_seconds{store="local"}')).toBe(unix('15:45:00'));
  });

  test('goes with a store that is down until it takes a backup, though it can be read', async () => {
    const { observe, value } = watch();
    observe(sample('catalog-read'));

    observe(sample('backup-not-stored', { store: 'local' }));
    observe(sample('catalog-read'));
    expect(await value('store_up{store="local"}')).toBe(0);
    observe(sample('backup-committed'));

    expect(await value('store_up{store="local"}')).toBe(1);
  });

  test('has a time of its own for runs that found nothing changed', async () => {
    const { observe, value, clock } = watch();
    observe(sample('run-started'));
    clock.at('15:45:07');

    observe(sample('run-skipped'));

    expect(await value('last_unchanged_timestamp_seconds')).toBe(unix('15:45:07'));
    expect(await value('skipped_total{reason="unchanged"}')).toBe(1);
    expect(await value('runs_total{result="unchanged"}')).toBe(1);
  });
});

describe('a certificate', () => {
  const [validFrom, expiresAt] = [
    new Date('2026-11-01T00:00:00Z'),
    new Date('2026-12-01T00:00:00Z'),
  ];
  const expiry = 'certificate_expiry_timestamp_seconds';

  test('is there with its end and its life, and 0 before', async () => {
    const { observe, value } = watch();
    expect(await value(`${expiry}{certificate="cluster"}`)).toBe(0);

    observe(sample('certificate-read', { of: 'cluster', validFrom, expiresAt }));

    expect(await value(`${expiry}{certificate="cluster"}`)).toBe(expiresAt.getTime() / 1000);
    expect(await value('certificate_lifetime_seconds{certificate="cluster"}')).toBe(30 * 86_400);
    expect(await value(`${expiry}{certificate="api"}`)).toBe(0);
  });

  test('of members is forgotten with the configuration that named it, that of the listener not', async () => {
    const { observe, value } = watch();
    for (const of of ['api', 'cluster'] as const) {
      observe(sample('certificate-read', { of, validFrom, expiresAt }));
    }

    observe(sample('config-reloaded', { changed: [] }));
    expect(await value(`${expiry}{certificate="cluster"}`)).toBe(expiresAt.getTime() / 1000);
    observe(sample('config-reloaded', { changed: ['cluster.tls.cert'] }));

    expect(await value(`${expiry}{certificate="cluster"}`)).toBe(0);
    expect(await value(`${expiry}{certificate="api"}`)).toBe(expiresAt.getTime() / 1000);
  });
});

describe('drills', () => {
  test('are counted by how they ended', async () => {
    const { observe, value } = watch();

    observe(sample('drill-started'));
    observe(sample('drill-finished'));
    observe(sample('drill-failed'));
    observe(sample('drill-failed'));
    observe(sample('drill-skipped'));

    expect(await value('drills_total{result="success"}')).toBe(1);
    expect(await value('drills_total{result="failure"}')).toBe(2);
    expect(await value('drills_total{result="skipped"}')).toBe(1);
  });

  test('have the time of the last good one, which a failed one does not move', async () => {
    const { observe, value, clock } = watch();
    clock.at('15:50:00');
    observe(sample('drill-finished', { store: 'offsite' }));
    clock.at('15:55:00');

    observe(sample('drill-failed'));

    expect(await value('last_drill_success_timestamp_seconds')).toBe(unix('15:50:00'));
    expect(await value('last_proof_timestamp_seconds{store="offsite",proof="restored"}')).toBe(
      unix('15:50:00'),
    );
  });

  test('have the time of the last good one again after a restart, from any store', async () => {
    const { observe, value } = watch();

    observe(sample('catalog-read'));
    observe(sample('catalog-read', { store: 'offsite', proofs: {} }));

    expect(await value('last_drill_success_timestamp_seconds')).toBe(unix('03:00:00'));
  });

  test('stay done when retention removes the backup', async () => {
    const { observe, value, clock } = watch();
    clock.at('15:50:00');
    observe(sample('drill-finished'));

    observe(emptied);

    expect(await value('last_drill_success_timestamp_seconds')).toBe(unix('15:50:00'));
  });
});

describe('restores', () => {
  test('are counted by how they ended, without dry runs', async () => {
    const { observe, value } = watch();

    observe(sample('restore-finished', { dryRun: false }));
    observe(sample('restore-finished', { dryRun: true }));
    observe(sample('restore-failed'));

    expect(await value('restores_total{result="success"}')).toBe(1);
    expect(await value('restores_total{result="failure"}')).toBe(1);
  });
});

describe('a run', () => {
  test('is counted once, however many events tell its end', async () => {
    const { observe, value } = watch();

    observe(sample('run-started'));
    observe(sample('run-failed'));
    observe(sample('run-finished', { result: 'failure', id: null }));

    expect(await value('runs_total{result="failure"}')).toBe(1);
    expect(await value('consecutive_failures')).toBe(1);
  });

  test('that failed adds to the row of failures until one goes well', async () => {
    const { observe, value } = watch();
    const end = (result: 'failure' | 'partial' | 'success' | 'stopped') => {
      observe(sample('run-started'));
      observe(sample('run-finished', { result }));
    };

    end('failure');
    end('partial');
    end('stopped');
    const row = await value('consecutive_failures');
    end('success');

    expect(row).toBe(2);
    expect(await value('consecutive_failures')).toBe(0);
  });

  test('that another daemon answered is told as such', async () => {
    const { observe, value } = watch();

    observe(sample('run-started'));
    observe(sample('slot-answered'));
    observe(sample('run-finished', { result: 'answered' }));

    expect(await value('runs_total{result="answered"}')).toBe(1);
    expect(await value('skipped_total{reason="answered"}')).toBe(1);
    expect(await value('last_unchanged_timestamp_seconds')).toBe(0);
  });

  test('that another daemon answered ends the row of failures, unless it had failed', async () => {
    const { observe, value } = watch();
    const answered = (attempt: number) => {
      observe(sample('run-started', { attempt }));
      observe(sample('run-finished', { result: 'answered' }));
    };

    observe(sample('run-started'));
    observe(sample('run-failed'));
    answered(2);
    const row = await value('consecutive_failures');
    answered(1);

    expect(row).toBe(1);
    expect(await value('consecutive_failures')).toBe(0);
  });

  test('that a signal stopped is no failure', async () => {
    const { observe, value } = watch();

    observe(sample('run-started'));
    observe(sample('run-failed', { failure: new Failure('stopped', 'SIGTERM') }));

    expect(await value('runs_total{result="stopped"}')).toBe(1);
    expect(await value('consecutive_failures')).toBe(0);
  });

  test('counts a failure once, however far it travels', async () => {
    const { observe, value } = watch();

    observe(sample('source-failed'));
    observe(sample('run-failed'));
    observe(sample('retry-scheduled'));
    observe(sample('backup-not-stored'));

    expect(await value(`failures_total{code="${stalled.code}"}`)).toBe(1);
    expect(await value(`failures_total{code="${denied.code}"}`)).toBe(1);
  });

  test('is planned no more once the daemon drains', async () => {
    const { observe, value } = watch();
    observe(sample('next-run-scheduled'));
    const planned = await value('next_run_timestamp_seconds');

    observe(sample('daemon-draining'));

    expect(planned).toBe(unix('16:45:00'));
    expect(await value('next_run_timestamp_seconds')).toBe(0);
  });
});

describe('the source', () => {
  test('is one series: that of the last member', async () => {
    const { observe, text } = watch();

    observe(sample('member-chosen'));
    observe(sample('member-chosen', { member: '000000000000001f', role: 'leader' }));

    const family = parseExposition(await text()).get('etcd_backup_source_info');
    expect([...(family?.series ?? [])]).toEqual([
      ['etcd_backup_source_info{member="000000000000001f",role="leader"}', 1],
    ]);
  });

  test('shows a mismatch until members agree again', async () => {
    const { observe, value } = watch();

    observe(sample('hash-mismatched'));
    observe(sample('proof-finished', { outcome: 'inconclusive' }));
    const before = await value('member_hash_mismatch');
    observe(sample('proof-finished', { outcome: 'passed' }));

    expect(before).toBe(1);
    expect(await value('member_hash_mismatch')).toBe(0);
  });
});

describe('copies between stores', () => {
  test('are counted by store and result', async () => {
    const { observe, value } = watch();

    observe(sample('backup-copied'));
    observe(sample('backup-copied', { result: 'repaired' }));
    observe(sample('copy-failed'));

    expect(await value('copies_total{store="offsite",result="success"}')).toBe(2);
    expect(await value('copies_total{store="offsite",result="failure"}')).toBe(1);
    expect(await value('copies_total{store="local",result="failure"}')).toBe(0);
  });

  test('are missing from the moment that a store did not take a backup', async () => {
    const { observe, value } = watch();
    const missing = () => value('store_missing_backups{store="offsite"}');
    const told = [await missing()];

    for (const event of [
      sample('backup-not-stored', { store: 'offsite' }),
      sample('run-finished', { result: 'partial' }),
      sample('heal-started', { missing: { local: 0, offsite: 3 } }),
      sample('heal-finished', { missing: { local: 0, offsite: 0 } }),
    ]) {
      observe(event);
      told.push(await missing());
    }

    expect(told).toEqual([0, 0, 1, 3, 0]);
  });

  test('are not missing when no store took the backup', async () => {
    const { observe, value } = watch();

    observe(sample('run-started'));
    observe(sample('backup-not-stored', { store: 'offsite' }));
    observe(sample('run-failed'));
    observe(sample('run-started'));
    observe(sample('run-finished', { result: 'partial' }));

    expect(await value('store_missing_backups{store="offsite"}')).toBe(0);
  });
});
