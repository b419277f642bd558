/** What alerts and dashboard can be held to without Prometheus: that all they name exists. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { metricsObserver } from '../../../src/observe/metrics.ts';
import { groupingsOf, type Selector, selectorsOf } from '../../support/promql.ts';
import { parseExposition } from './exposition.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const read = (name: string): string => readFileSync(join(root, name), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<'summary' | 'description' | 'runbook', string>>;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

const rules: readonly Rule[] = parse(read('config/prometheus/alerts.yaml')).groups[0].rules;
const dashboard = JSON.parse(read('config/grafana/dashboard.json'));
const panels: readonly Panel[] = dashboard.panels;
const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** Metrics that the program does not have yet. Their rules are silent until it has. */
const coming: readonly string[] = [];
/** Made by Prometheus itself. */
const made = ['up', 'ALERTS'];

/** Every metric with the values that its labels have. */
async function known(): Promise<Map<string, Map<string, Set<string>>>> {
  const about = { stores: ['local'], targets: ['ping'], version: '0.1.0', node: 'v24.0.0' };
  const page = parseExposition(await metricsObserver({ ...about, now: () => new Date() }).text());
  const found = new Map<string, Map<string, Set<string>>>();
  for (const series of [...page.values()].flatMap((family) => [...family.series.keys()])) {
    const name = series.replace(/\{.*/, '');
    const labels = found.get(name) ?? new Map<string, Set<string>>();
    found.set(name, labels);
    for (const [, label = '', value = ''] of series.matchAll(/(\w+)="([^"]*)"/g)) {
      labels.set(label, (labels.get(label) ?? new Set()).add(value));
    }
  }
  return found;
}

const added = ['job', 'instance'];

/** What a query names that does not exist. */
function faultsOf(query: string, page: Awaited<ReturnType<typeof known>>): string[] {
  const wrong = ({ metric, matchers }: Selector): string[] => {
    if (made.includes(metric) || coming.includes(metric)) return [];
    const labels = page.get(metric);
    if (labels === undefined) return [`no metric ${metric}`];
    return matchers
      .filter(({ label }) => !added.includes(label))
      .flatMap(({ label, values }) =>
        values.filter((value) => labels.get(label)?.has(value) !== true),
      )
      .map((value) => `${metric} never has ${value}`);
  };
  const everyLabel = new Set([...page.values()].flatMap((labels) => [...labels.keys()]));
  const groupings = groupingsOf(query).filter(
    (label) => !everyLabel.has(label) && !added.includes(label),
  );
  return [...selectorsOf(query).flatMap(wrong), ...groupings.map((label) => `no label ${label}`)];
}

describe('queries', () => {
  test('of alerts name only metrics, labels and values that the program has', async () => {
    const page = await known();

    expect(rules.flatMap(({ expr }) => faultsOf(expr, page))).toEqual([]);
    expect(rules.flatMap(({ expr }) => selectorsOf(expr)).length).toBeGreaterThan(30);
  });

  test('of the dashboard name only metrics, labels and values that the program has', async () => {
    const page = await known();

    expect(queries.flatMap((expr) => faultsOf(expr, page))).toEqual([]);
    expect(queries.length).toBeGreaterThan(20);
  });

  test('are read well enough to find what does not exist', async () => {
    const page = await known();

    const wrong = [
      'time() - etcd_backup_last_succes_timestamp_seconds{store="x|y"} > 0',
      'rate(etcd_backup_failures_total{code=~"store-full|store-ful"}[5m]) or vector(0)',
      'sum by (stor) (etcd_backup_store_up == bool 1)',
    ].flatMap((query) => faultsOf(query, page));

    expect(wrong).toEqual([
      'no metric etcd_backup_last_succes_timestamp_seconds',
      'etcd_backup_failures_total never has store-ful',
      'no label stor',
    ]);
  });

  test('wait for no metric that the program has by now', async () => {
    const page = await known();

    expect(coming.filter((name) => page.has(name))).toEqual([]);
  });
});

describe('every alert', () => {
  const runbook = read('docs/alerts.md');
  const sections = [...runbook.matchAll(/^## (\w+)$/gm)].map(([, name]) => name);

  test('has its section in the runbook, in the same order, and every section its alert', () => {
    expect(sections).toEqual(rules.map(({ alert }) => alert));
  });

  test('says what it means, what to look at first and what to do', () => {
    for (const section of runbook.split(/^## /m).slice(1)) {
      expect(section).toContain('**Means**');
      expect(section).toContain('**Look**');
      expect(section).toContain('**Do**');
      expect(section.slice(section.indexOf('**Look**'))).toContain('etcd-backupd ');
    }
  });

  test('names only commands that the program has', () => {
    const told = `${runbook} ${read('config/prometheus/alerts.yaml')}`.replaceAll(/\s+/g, ' ');
    const commands = readdirSync(join(root, 'src', 'cli', 'commands'));
    const named = new Set(
      [...told.matchAll(/[`"]etcd-backupd ([a-z-]+)/g)].map(([, name]) => name),
    );

    expect(named.size).toBeGreaterThan(8);
    expect([...named].filter((name) => !commands.includes(`${name}.ts`))).toEqual([]);
  });

  test('leads to its section, and tells how urgent it is and where', () => {
    for (const { alert, labels, annotations } of rules) {
      expect(annotations.runbook).toBe(`docs/alerts.md#${alert.toLowerCase()}`);
      expect(['critical', 'warning']).toContain(labels.severity);
      expect(annotations.summary.length).toBeLessThan(80);
      if (alert !== 'EtcdBackupAbsent') expect(annotations.description).toContain('$labels.');
    }
  });

  test('fires in a scenario that promtool is given', () => {
    const folder = join(root, 'test', 'support');
    const files = readdirSync(folder).filter((name) => name.startsWith('alert-scenarios'));
    const told = files.map((name) => readFileSync(join(folder, name), 'utf8')).join();

    const silent = rules.filter(({ alert }) => !new RegExp(`'${alert}[ ']`).test(told));

    expect(silent.map(({ alert }) => alert)).toEqual([]);
  });

  test('has a name of its own', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });
});

describe('the dashboard', () => {
  test('has panels that explain themselves, each with queries and an id of its own', () => {
    const shown = panels.filter(({ type }) => type !== 'row');

    expect(shown.filter(({ description = '' }) => description.length < 10)).toEqual([]);
    expect(shown.filter(({ targets = [] }) => targets.length === 0)).toEqual([]);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });

  test('has panels that lie side by side on a grid of 24', () => {
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    );

    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
  });

  test('asks of the Prometheus and the daemons that were chosen', () => {
    const names = dashboard.templating.list.map(({ name }: { name: string }) => name);
    const foreign = queries.filter((expr) => /etcd_backup_/.test(expr) && !/\$instance/.test(expr));

    expect(names).toEqual(['datasource', 'instance']);
    expect(foreign).toEqual([]);
  });
});
