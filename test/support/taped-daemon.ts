/** A daemon for alerts: told by its events, through the real metrics and the real schedule. */
import type { Event, NewestBackup } from '../../src/core/events.ts';
import { DueTimes } from '../../src/daemon/due-times.ts';
import { parseSchedule } from '../../src/daemon/schedule.ts';
import { type Metrics, metricsObserver } from '../../src/observe/metrics.ts';
import { backup, sample } from '../unit/observe/events.ts';
import { parseExposition } from '../unit/observe/exposition.ts';

/** A store as its daemons see it; two daemons may share one. */
export interface TapedStore {
  readonly name: string;
  /** Starts of the proved backups in it, oldest first. */
  backups: number[];
  readable: boolean;
  faults: number;
  damaged: number;
  oldestRead: Date | null;
}

export function tapedStore(name: string, backups: number[] = []): TapedStore {
  return { name, backups, readable: true, faults: 0, damaged: 0, oldestRead: null };
}

export interface TapedOptions {
  readonly instance?: string;
  readonly cron?: string;
  readonly drillCron?: string;
  readonly scrubWithinMs?: number;
  readonly stores: readonly TapedStore[];
}

export class TapedDaemon {
  /** What happens at each due time: a backup, unless told otherwise. */
  onDue: () => void = () => this.takeBackup();
  readonly #options: TapedOptions;
  readonly #nowMs: () => number;
  #metrics: Metrics | undefined;
  #runs: DueTimes | undefined;
  #drills: DueTimes | undefined;
  #isScraped = false;
  readonly #extra = new Map<string, number>();
  /** The last scrape, as long as nothing has been told since. */
  #page: ReadonlyMap<string, number> | undefined;

  constructor(options: TapedOptions, nowMs: () => number) {
    this.#options = options;
    this.#nowMs = nowMs;
  }

  /** The process is there and has read nothing yet. */
  boot(): void {
    const { cron = '0 * * * *', drillCron, scrubWithinMs = 0, stores } = this.#options;
    const now = this.#now;
    const own = { version: '0.1.0', node: '24', processMetrics: false };
    const about = { ...own, scrubWithinMs, targets: ['ping'] };
    const names = stores.map(({ name }) => name);
    this.#metrics = metricsObserver({ ...about, stores: names, now: () => this.#now });
    this.#runs = dueTimes(cron, now);
    this.#drills = drillCron === undefined ? undefined : dueTimes(drillCron, now);
    this.#isScraped = true;
    this.set('process_start_time_seconds', this.#nowMs() / 1000);
    this.tell(sample('daemon-started'));
    this.#announceDrills();
  }

  /** Boots, reads the stores, and makes up for a due time that was missed. */
  start({ catchUp = true } = {}): void {
    this.boot();
    this.readStores();
    this.announce();
    const last = this.#runs?.newest(this.#now)?.getTime() ?? 0;
    const isBehind = ({ backups }: TapedStore) => (backups.at(-1) ?? -1) < last;
    if (catchUp && this.#options.stores.some(isBehind)) {
      this.onDue();
    }
  }

  /** The target stays configured and does not answer. */
  kill(): void {
    this.#metrics = undefined;
    this.#runs = undefined;
  }

  /** It answers, and its loop goes round no more. */
  freeze(): void {
    this.#runs = undefined;
  }

  /** Nobody scrapes it any more. */
  forget(): void {
    this.kill();
    this.#isScraped = false;
  }

  /** A series that the program does not have yet, or its process has: `name{label="x"}`. */
  set(series: string, value: number): void {
    this.#page = undefined;
    this.#extra.set(series, value);
  }

  tell(event: Event): void {
    this.#page = undefined;
    this.#metrics?.observe(event);
  }

  look(): void {
    if (this.#metrics === undefined) return;
    if (this.#drills?.look(this.#now) !== undefined) this.#announceDrills();
    if (this.#runs?.look(this.#now) === undefined) return;
    this.announce();
    this.onDue();
  }

  announce(): void {
    const at = this.#runs?.actsAt ?? this.#now;
    const expectedSince = this.#runs?.expectedSince(this.#now) ?? null;
    this.tell({ kind: 'next-run-scheduled', at, reason: 'schedule', expectedSince });
  }

  takeBackup(into = this.#options.stores): void {
    this.tell(sample('run-started'));
    for (const store of into) {
      store.backups.push(this.#nowMs());
      const newest = this.#newest(store) ?? backup;
      this.tell(sample('backup-committed', { store: store.name, backup: newest }));
    }
    this.readStores();
    const result = into.length === this.#options.stores.length ? 'success' : 'partial';
    this.tell(sample('run-finished', { result }));
  }

  /** Reads the stores, and backs up to those that nobody has served since the due time. */
  takeTurn({ attempt = 1 } = {}): void {
    const slotMs = this.#runs?.newest(this.#now)?.getTime() ?? 0;
    const open = this.#options.stores.filter(({ backups }) => (backups.at(-1) ?? -1) < slotMs);
    if (open.length > 0) {
      this.takeBackup(open);
      return;
    }
    this.tell(sample('run-started', { attempt }));
    this.readStores();
    for (const { name } of this.#options.stores) {
      this.tell(sample('slot-answered', { store: name }));
    }
    this.tell(sample('run-finished', { result: 'answered' }));
  }

  fail(event: Event = sample('run-failed')): void {
    this.tell(sample('run-started'));
    this.tell(event);
    if (event.kind !== 'run-failed') this.tell(sample('run-failed'));
    this.readStores();
  }

  findUnchanged(): void {
    this.tell(sample('run-started'));
    this.tell(sample('run-skipped'));
  }

  readStores(): void {
    for (const store of this.#options.stores) {
      const { name, backups, faults, damaged, oldestRead } = store;
      const newest = this.#newest(store);
      this.tell(
        store.readable
          ? sample('catalog-read', {
              ...{ store: name, backups: backups.length, faults, damaged, oldestRead, newest },
              proofs: newest?.proofs ?? {},
            })
          : sample('catalog-unreadable', { store: name }),
      );
    }
  }

  /** Retention, as the daemon tells it. */
  prune(store: TapedStore, keep: number): void {
    for (const _ of store.backups.slice(0, -keep)) {
      this.tell(sample('backup-pruned', { store: store.name }));
    }
    store.backups = store.backups.slice(-keep);
    this.readStores();
  }

  async scrape(): Promise<ReadonlyMap<string, number>> {
    const { instance = 'a' } = this.#options;
    const target = `job="etcd-backupd",instance="${instance}"`;
    if (!this.#isScraped) return new Map();
    if (this.#metrics === undefined) return new Map([[`up{${target}}`, 0]]);
    if (this.#page !== undefined) return this.#page;
    const page = new Map([[`up{${target}}`, 1]]);
    const families = parseExposition(await this.#metrics.text());
    const told = [...families.values()].flatMap(({ type, series }) => {
      return type === 'histogram' ? [] : [...series];
    });
    for (const [series, value] of [...told, ...this.#extra]) {
      const labelled = series.endsWith('}')
        ? series.replace(/\}$/, `,${target}}`)
        : `${series}{${target}}`;
      page.set(labelled, value);
    }
    this.#page = page;
    return page;
  }

  get #now(): Date {
    return new Date(this.#nowMs());
  }

  #newest({ backups }: TapedStore): NewestBackup | null {
    const at = backups.at(-1);
    if (at === undefined) return null;
    const startedAt = new Date(at);
    return { ...backup, startedAt, proofs: { received: startedAt, stored: startedAt } };
  }

  #announceDrills(): void {
    if (this.#drills === undefined) return;
    const { actsAt: at } = this.#drills;
    const expectedSince = this.#drills.expectedSince(this.#now);
    this.tell({ kind: 'next-chore-scheduled', chore: 'drill', at, expectedSince });
  }
}

function dueTimes(cron: string, now: Date): DueTimes {
  return new DueTimes(parseSchedule({ cron, timezone: 'UTC' }), 0, now);
}
