/**
 * What Prometheus would have scraped from daemons, on a clock that starts at 0 as that of promtool
 * does. A tape becomes the input of `promtool test rules`, with the alerts that fire at each
 * moment: all of them, and no others.
 */
import { readFileSync } from 'node:fs';
import { TapedDaemon, type TapedOptions } from './taped-daemon.ts';

export { tapedStore } from './taped-daemon.ts';

export const minutes = 60_000;
export const hours = 60 * minutes;
export const days = 24 * hours;

/** As long as two scrapes may be apart before Prometheus forgets a series. */
const stepMs = 5 * minutes;

export class Tape {
  readonly #daemons: TapedDaemon[] = [];
  readonly #series = new Map<string, (number | 'stale' | undefined)[]>();
  readonly #expected: { readonly step: number; readonly firing: readonly string[] }[] = [];
  // A day late: a time of 0 would mean that there is none.
  #steps = days / stepMs;

  get nowMs(): number {
    return this.#steps * stepMs;
  }

  daemon(options: TapedOptions): TapedDaemon {
    const daemon = new TapedDaemon(options, () => this.nowMs);
    this.#daemons.push(daemon);
    return daemon;
  }

  async pass(ms: number): Promise<void> {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.#steps += 1;
      for (const daemon of this.#daemons) {
        daemon.look();
        this.#record(await daemon.scrape());
      }
      this.#markStale();
    }
  }

  /** The alerts that fire now: `EtcdBackupTooOld a local`, as far as it has these labels. */
  expect(...firing: string[]): void {
    this.#expected.push({ step: this.#steps, firing });
  }

  get alerts(): Set<string> {
    const named = this.#expected.flatMap(({ firing }) => firing);
    return new Set(named.map((each) => each.replace(/ .*/, '')));
  }

  /** A file for `promtool test rules`; JSON is YAML. */
  toPromtool(rules: string): string {
    const asked = readFileSync(rules, 'utf8');
    const inputs = [...this.#series]
      .filter(([series]) => asked.includes(series.replace(/\{.*/, '')))
      .map(([series, values]) => ({ series, values: text(values) }));
    const expressions = this.#expected.map(({ step, firing }) => ({
      expr: 'count by (alertname, instance, store) (ALERTS{alertstate="firing"})',
      eval_time: `${step * 5}m`,
      exp_samples: firing.map((each) => ({ labels: labelsOf(each), value: 1 })),
    }));
    const one = { interval: '5m', input_series: inputs, promql_expr_test: expressions };
    return JSON.stringify({ rule_files: [rules], evaluation_interval: '5m', tests: [one] });
  }

  #record(page: ReadonlyMap<string, number>): void {
    for (const [series, value] of page) {
      const values = this.#series.get(series) ?? [];
      this.#series.set(series, values);
      values[this.#steps] = value;
    }
  }

  /** A series that a scrape did not bring is gone at once, not five minutes later. */
  #markStale(): void {
    for (const values of this.#series.values()) {
      const before = values[this.#steps - 1];
      const isGone = values[this.#steps] === undefined && typeof before === 'number';
      if (isGone) values[this.#steps] = 'stale';
    }
  }
}

/** Values in the notation of promtool, a row of equal ones as one. */
function text(values: readonly (number | 'stale' | undefined)[]): string {
  const rows: { readonly value: number | 'stale' | undefined; count: number }[] = [];
  for (const value of Array.from(values)) {
    const last = rows.at(-1);
    if (last !== undefined && last.value === value) last.count += 1;
    else rows.push({ value, count: 1 });
  }
  return rows.map(({ value, count }) => rowText(value, count)).join(' ');
}

function rowText(value: number | 'stale' | undefined, count: number): string {
  if (value === undefined) return `_x${count}`;
  return count === 1 ? `${value}` : `${value}+0x${count - 1}`;
}

function labelsOf(alert: string): string {
  const [name, instance, store] = alert.split(' ');
  const labels = { alertname: name, instance, store };
  const given = Object.entries(labels).filter(([, value]) => value !== undefined);
  return `{${given.map(([label, value]) => `${label}="${value}"`).join(', ')}}`;
}
