/** A real Prometheus that watches a real daemon: its page, the alerts, the dashboard. */
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prometheusSuites } from '../setup/prometheus.ts';
import { type RunningDaemon, startDaemonProcess } from '../support/daemon.ts';
import { cluster, type TestCluster } from '../support/etcd.ts';
import { type Workplace, workplace } from '../support/house.ts';
import {
  prometheusHere,
  promtool,
  type RunningPrometheus,
  startPrometheus,
} from '../support/prometheus.ts';
import { seed } from '../support/workload.ts';

const config = join(import.meta.dirname, '..', '..', 'config');
const rules = readFileSync(join(config, 'prometheus', 'alerts.yaml'), 'utf8');
/** The same without patience: what holds for a second fires. */
const hasty = rules.replaceAll(/^( +for:) .*$/gm, '$1 1s');

/** Every query of the dashboard, as Grafana would send it. */
function dashboardQueries(): string[] {
  const { panels } = JSON.parse(readFileSync(join(config, 'grafana', 'dashboard.json'), 'utf8'));
  return panels
    .flatMap(({ targets = [] }: { targets?: { expr: string }[] }) => targets)
    .map(({ expr }: { expr: string }) => expr.replaceAll('$instance', '.*'));
}

const here = await Promise.all(prometheusSuites.map(prometheusHere));
const all = here.flatMap(({ programs }) => programs ?? []);
const left = here.flatMap(({ skip }) => skip ?? []).join(', ');

describe.skipIf(all.length === 0)(`a daemon that is watched ${left}`, () => {
  let etcd: TestCluster;
  let place: Workplace;
  let daemon: RunningDaemon;
  /** With the rules as they are. */
  let patient: RunningPrometheus;
  beforeAll(async () => {
    etcd = await cluster('3.5', { members: 3 });
    await seed(etcd);
    place = workplace(etcd);
    daemon = await startDaemonProcess(place, {
      settings: {
        'schedule.cron': '*/15 * * * * *',
        'schedule.retryDelay': '1s',
        'drill.cron': '5,20,35,50 * * * * *',
        'drill.etcdBinary': etcd.binaries.etcd,
      },
    });
    patient = await startPrometheus(all.at(-1)!, { target: new URL(daemon.url).host, rules });
  });
  afterAll(async () => {
    await patient?.[Symbol.asyncDispose]();
    await daemon?.[Symbol.asyncDispose]();
    place?.[Symbol.dispose]();
    await etcd?.[Symbol.asyncDispose]();
  });

  test('fires no alert while it works', async () => {
    await daemon.until('drill-finished');
    await daemon.until('run-finished', 3);

    const scraped = await patient.until('a run', () => countOf(patient, 'success'));
    const firing = (await patient.alerts()).filter(({ state }) => state === 'firing');

    expect(scraped).toBeGreaterThan(0);
    expect(firing).toEqual([]);
  });

  test.each(all)('has a page that promtool $version takes', async (programs) => {
    const page = await (await daemon.get('/metrics')).text();
    const ours = page.split('\n').filter((line) => /^(# \w+ )?etcd_backup_/.test(line));

    const whole = await promtool(programs, ['check', 'metrics'], page);
    const own = await promtool(programs, ['check', 'metrics'], `${ours.join('\n')}\n`);

    expect(own).toEqual({ code: 0, said: '' });
    // prom-client names those of Node.js against the custom (3), but in the format (not 1).
    expect(whole.said).not.toContain('error while linting');
    expect(whole.code).toBe(3);
  });

  test('fires the alerts of a store that is gone, and ends them when it is back', async () => {
    const target = new URL(daemon.url).host;
    await using prometheus = await startPrometheus(all.at(-1)!, { target, rules: hasty });
    renameSync(place.storeDir, `${place.storeDir}.gone`);

    const down = await prometheus.untilFiring('EtcdBackupStoreDown', 'local');
    const failing = await prometheus.untilFiring('EtcdBackupRunsFailing');
    const old = await prometheus.untilFiring('EtcdBackupTooOld', 'local');

    for (const { labels, annotations } of [down, failing, old]) {
      expect(labels['instance']).toBe(target);
      expect(Object.values(annotations).join()).not.toContain('<no value>');
    }
    expect(old.annotations['summary']).toBe('The newest backup in store local is too old');
    expect(old.annotations['description']).toMatch(/begun at 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d/);

    renameSync(`${place.storeDir}.gone`, place.storeDir);
    const silent = async () => ((await firingNames(prometheus)).length === 0 ? true : undefined);
    expect(await prometheus.until('silence', silent)).toBe(true);
  });

  test('fills every panel of the dashboard', async () => {
    const queries = dashboardQueries();

    for (const query of queries) {
      const found = async () => {
        const samples = await patient.query(query);
        return samples.find(({ value: [, value] }) => Number.isFinite(Number(value)));
      };
      await patient.until(`data for ${query}`, found, 60_000);
    }

    expect(queries.length).toBeGreaterThan(20);
  });

  test('that is killed is missed', async () => {
    const target = new URL(daemon.url).host;
    await using prometheus = await startPrometheus(all.at(-1)!, { target, rules: hasty });
    await prometheus.until('the daemon', () => countOf(prometheus, 'success'));
    expect(await firingNames(prometheus)).not.toContain('EtcdBackupDaemonDown');

    await daemon.stop('SIGKILL');

    const down = await prometheus.untilFiring('EtcdBackupDaemonDown');
    await prometheus.untilFiring('EtcdBackupAbsent');
    expect(down.annotations['summary']).toBe(`The backup daemon on ${target} does not answer`);
  });
});

/** How many runs Prometheus has seen end so; undefined for none. */
async function countOf(prometheus: RunningPrometheus, result: string): Promise<number | undefined> {
  const [found] = await prometheus.query(`etcd_backup_runs_total{result="${result}"} > 0`);
  return found && Number(found.value[1]);
}

async function firingNames(prometheus: RunningPrometheus): Promise<string[]> {
  const alerts = (await prometheus.alerts()).filter(({ state }) => state === 'firing');
  return alerts.map(({ labels }) => labels['alertname'] ?? '');
}
